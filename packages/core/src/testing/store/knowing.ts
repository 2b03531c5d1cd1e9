// The store contract: what a device knows of its channels.
import { describe, expect, test } from 'vitest';
import { allOf, event, idsOf, own, page, sizeOf, type OpenStore } from './device.ts';

/** State and confirmations. */
export function knowing(opened: OpenStore): void {
  describe('state', () => {
    test('a `read` that was moved back is repaired by following the pages, without being written', async () => {
      const { device, store } = await opened();
      await store.merge(page('room', 'latest', 'o1', []));
      await store.merge(page('room', 'o1', 'o4', ['2', '3', '4']));
      await store.merge(page('room', 'o4', 'o5', ['5']));
      await store.merge(page('hall', 'o1', 'o2', ['h']));
      await device.moveReadBack('room', 'o1');
      expect((await store.state()).channels['room']?.read).toBe('o5');
      expect((await store.state()).channels['hall']?.read).toBe('o2');
      // And a leader that goes on from there is let in.
      expect(await store.merge(page('room', 'o5', 'o6', ['6']))).toBe('merged');
      expect((await store.state()).channels['room']?.read).toBe('o6');
    });

    test('pages that go round in a circle, as after a relay was set back, do not hold it for ever', async () => {
      const { store } = await opened();
      await store.merge(page('room', 'o0', 'o1', ['1']));
      await store.merge(page('room', 'o1', 'o2', ['2']));
      await store.merge({ ...page('room', 'o2', 'o0', []), gap: { missed: null, reason: 'epoch' } });
      expect((await store.state()).channels['room']?.read).toBe('o0');
    });

    test('pending counts own events beyond `sent`, in events and bytes', async () => {
      const { store } = await opened();
      const [first = 0] = await store.record([own('room', [event('1'), event('2', 'long'.repeat(99)), event('3')])]);
      await store.record([own('room', [event('4')]), own('hall', [event('5')])]);
      await store.merge(page('room', 'latest', 'o1', ['theirs']));
      const pending = async (channel: string): Promise<readonly (number | undefined)[]> => {
        const state = (await store.state()).channels[channel];
        return [state?.pendingEvents, state?.pendingBytes];
      };
      expect(await pending('room')).toEqual([
        4,
        sizeOf(event('1'), event('2', 'long'.repeat(99)), event('3'), event('4')),
      ]);
      await store.confirm({ channel: 'room', sent: first, rejected: [] });
      expect(await pending('room')).toEqual([3, sizeOf(event('2', 'long'.repeat(99)), event('3'), event('4'))]);
      await store.confirm({ channel: 'room', sent: first + 2, rejected: [] });
      expect(await pending('room')).toEqual([1, sizeOf(event('4'))]);
      expect(await pending('hall')).toEqual([1, sizeOf(event('5'))]);
      expect(await pending('theirs')).toEqual([undefined, undefined]);
    });

    test('what is not for a relay waits for none', async () => {
      const { store } = await opened();
      await store.record([{ ...own('room', [event('1')]), outbound: false }]);
      expect((await store.state()).channels['room']?.pendingEvents ?? 0).toBe(0);
      expect(await store.own('room', 0, 10)).toEqual([]);
      expect(await allOf(store)).toEqual(['1']);
    });

    test('reading from the head shows what comes later, and nothing else', async () => {
      const { store } = await opened();
      await store.record([own('room', [event('1'), event('2')])]);
      await store.merge({ ...page('room', 'latest', 'o1', ['3']), gap: { missed: 1, reason: 'retention' } });
      const { head } = await store.state();
      expect(await store.read(head, 10)).toMatchObject({ entries: [], atHead: true });
      await store.record([own('room', [event('4')])]);
      expect(idsOf(await store.read(head, 10))).toEqual(['4']);
    });

    test('of a device that knows many channels one is asked for alone, also one that nothing is known of', async () => {
      const { store } = await opened();
      const [first = 0] = await store.record([own('room', [event('1'), event('2')]), own('hall', [event('3')])]);
      await store.confirm({ channel: 'room', sent: first, rejected: [] });
      await store.merge({ ...page('yard', 'latest', 'o1', ['4']), echo: first });
      const { channels, ...device } = await store.state();
      for (const name of ['room', 'hall', 'yard']) {
        expect(await store.state(name)).toEqual({ ...device, channels: { [name]: channels[name] } });
      }
      const nothing = { sent: 0, echo: 0, read: undefined, recheckTo: undefined, pendingEvents: 0, pendingBytes: 0 };
      expect(await store.state('__proto__')).toEqual({
        ...device,
        channels: Object.fromEntries([['__proto__', nothing]]),
      });
    });

    test('a channel may be called like anything that an object has', async () => {
      const { store } = await opened();
      const hostile = ['__proto__', 'constructor', 'toString', 'a:b', 'sent:a', '-', '~', '.', '..', 'A'.repeat(128)];
      expect((await store.state()).channels['constructor']).toBeUndefined();
      for (const channel of hostile) {
        const [first = 0] = await store.record([own(channel, [event(`own of ${channel}`), event('pending')])]);
        await store.confirm({ channel, sent: first, rejected: [] });
        await store.merge({ ...page(channel, 'latest', `offset of ${channel}`, ['1']), echo: first });
      }
      const { channels } = await store.state();
      expect(Object.keys(channels).toSorted()).toEqual(hostile.toSorted());
      for (const channel of hostile) {
        expect(channels[channel]).toMatchObject({ read: `offset of ${channel}`, pendingEvents: 1 });
        expect(await store.own(channel, 0, 10)).toHaveLength(2);
      }
    });
  });

  describe('confirm', () => {
    test('refused events are kept, and `sent` moves over them', async () => {
      const { device, store } = await opened();
      const events = [event('1'), event('2'), event('3')];
      const [first = 0] = await store.record([own('room', events)]);
      await store.confirm({
        channel: 'room',
        sent: first + 1,
        rejected: [{ event: event('2'), failure: { name: 'InvalidEvent', message: 'no' } }],
      });
      expect((await store.state()).channels['room']).toMatchObject({ sent: first + 1, pendingEvents: 1 });
      expect(await device.rejected()).toEqual(['2']);
      // As a second leader does that had the same answer.
      await store.confirm({
        channel: 'room',
        sent: first + 2,
        rejected: [{ event: event('2'), failure: { name: 'InvalidEvent', message: 'no' } }],
      });
      expect(await device.rejected()).toEqual(['2']);
      expect(await allOf(store)).toEqual(['1', '2', '3']);
    });

    test('a refusal that cannot be kept leaves `sent` where it was', async () => {
      const { store } = await opened();
      const [first = 0] = await store.record([own('room', [event('1')])]);
      await expect(
        store.confirm({
          channel: 'room',
          sent: first,
          rejected: [{ event: event('1', () => 0), failure: { name: 'InvalidEvent', message: 'no' } }],
        }),
      ).rejects.toMatchObject({ name: 'StorageFailed' });
      expect((await store.state()).channels['room']?.pendingEvents).toBe(1);
    });
  });
}
