// What every runtime keeps, in one thread or through a worker, in the browser, Node and workerd: the whole flow.
import { afterEach, describe, expect, test } from 'vitest';
import type { Runtime } from '../runtime/runtime.ts';
import { asking } from './flow/asking.ts';
import { durably } from './flow/durable.ts';
import type { FlowEvents } from './flow/events.ts';
import { gather, untilStatus } from './waiting.ts';

/** A relay of its own, and devices that can reach it. */
export interface FlowUnderTest {
  /** Opens a tab of the device of this name. Tabs of one device share its disk. All read the channels given, from their earliest. */
  tab(device: string, channels?: readonly string[]): Promise<Runtime<FlowEvents>>;
  close(): Promise<void>;
}

/** The law of `Runtime`, from `publish` to a handler on another device. */
export function flowContract(name: string, make: () => Promise<FlowUnderTest>): void {
  describe(`the flow ${name}`, () => {
    let world: FlowUnderTest | undefined;
    const tabs: Runtime<FlowEvents>[] = [];

    async function open(device: string, channels?: readonly string[]): Promise<Runtime<FlowEvents>> {
      world ??= await make();
      const tab = await world.tab(device, channels);
      tabs.push(tab);
      return tab;
    }

    afterEach(async () => {
      await Promise.all(tabs.splice(0).map((tab) => tab.close()));
      await world?.close();
      world = undefined;
    });

    test('an event published in a tab is heard in that tab, in another tab and on another device, once each', async () => {
      const [alice, alicesOther, bob] = [await open('alice'), await open('alice'), await open('bob')];
      const heard = [alice, alicesOther, bob].map((tab) => {
        const titles = gather<string>();
        tab.on('todo.added', ({ data }) => titles.add(data.title));
        return titles;
      });
      await alice.publish('todo.added', { title: 'fly' });
      await Promise.all(heard.map((titles) => titles.until(1)));
      await alice.publish('todo.added', { title: 'land' });
      for (const titles of heard) expect(await titles.until(2)).toEqual(['fly', 'land']);
      await untilStatus(alice.status, ({ pending }) => pending === 0);
      // The echo of the first would have come before the second's on the way back.
      await bob.publish('todo.added', { title: 'rest' });
      for (const titles of heard) expect(await titles.until(3)).toEqual(['fly', 'land', 'rest']);
    });

    test('the JSON that was handed in is stored, and what the validator makes of it is delivered', async () => {
      const [alice, bob] = [await open('alice'), await open('bob')];
      const atAlice = gather<string>();
      const atBob = gather<string>();
      alice.on('todo.added', ({ data }) => atAlice.add(data.title));
      bob.on('todo.added', ({ data }) => atBob.add(data.title));
      const input = { title: '  fly  ' };
      const published = alice.publish('todo.added', input);
      input.title = 'changed after the call';
      await published;
      expect(await atAlice.until(1)).toEqual(['fly']);
      expect(await atBob.until(1)).toEqual(['fly']);
    });

    test('events keep the order in which one tab published them, within a tick and across ticks', async () => {
      const [alice, bob] = [await open('alice'), await open('bob')];
      const numbers = gather<number>();
      bob.on('todo.done', ({ data }) => numbers.add(data.n));
      for (let n = 0; n < 40; n += 4) {
        await Promise.all([0, 1, 2, 3].map((more) => alice.publish('todo.done', { n: n + more })));
      }
      expect(await numbers.until(40)).toEqual(Array.from({ length: 40 }, (_, n) => n));
    });

    test('handlers in relay order hear the same sequence on every device, own events once confirmed', async () => {
      const [alice, bob] = [await open('alice'), await open('bob')];
      const [atAlice, atBob] = [gather<string>(), gather<string>()];
      alice.on('todo.done', ({ id, offset }) => atAlice.add(`${offset}=${id}`), { order: 'relay' });
      bob.on('todo.done', ({ id, offset }) => atBob.add(`${offset}=${id}`), { order: 'relay' });
      await Promise.all(Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? alice : bob).publish('todo.done', { n })));
      const sequence = await atAlice.until(20);
      expect(await atBob.until(20)).toEqual(sequence);
      expect(sequence.every((line) => !line.startsWith('null'))).toBe(true);
    });

    test('what was published while paused reaches others after resuming, once, in order', async () => {
      const [alice, bob] = [await open('alice'), await open('bob')];
      const numbers = gather<number>();
      bob.on('todo.done', ({ data }) => numbers.add(data.n));
      await untilStatus(alice.status, ({ connection }) => connection === 'online');
      alice.pause();
      await untilStatus(alice.status, ({ connection }) => connection === 'paused');
      for (let n = 0; n < 5; n += 1) await alice.publish('todo.done', { n });
      expect(alice.status.get().pending).toBe(5);
      await bob.publish('todo.done', { n: 99 });
      expect(await numbers.until(1)).toEqual([99]);
      alice.resume();
      expect(await numbers.until(6)).toEqual([99, 0, 1, 2, 3, 4]);
      await untilStatus(alice.status, ({ pending }) => pending === 0);
    });

    test('what a device published before all its tabs were closed is sent by its next tab', async () => {
      const first = await open('alice');
      first.pause();
      await first.publish('todo.added', { title: 'kept' });
      await first.close();
      const bob = await open('bob');
      const titles = gather<string>();
      bob.on('todo.added', ({ data }) => titles.add(data.title));
      await open('alice');
      expect(await titles.until(1)).toEqual(['kept']);
    });

    test('a device that was away hears what it missed', async () => {
      const alice = await open('alice');
      const before = await open('bob');
      await untilStatus(before.status, ({ connection }) => connection === 'online');
      await before.close();
      await alice.publish('todo.added', { title: 'while bob was away' });
      await untilStatus(alice.status, ({ pending }) => pending === 0);
      const bob = await open('bob');
      const titles = gather<string>();
      bob.on('todo.added', ({ data }) => titles.add(data.title));
      expect(await titles.until(1)).toEqual(['while bob was away']);
    });

    test('a leader that closes is followed by another tab, and nothing is lost', async () => {
      const [first, second, bob] = [await open('alice'), await open('alice'), await open('bob')];
      const numbers = gather<number>();
      bob.on('todo.done', ({ data }) => numbers.add(data.n));
      await first.publish('todo.done', { n: 1 });
      await second.publish('todo.done', { n: 2 });
      await first.close();
      await second.publish('todo.done', { n: 3 });
      expect(await numbers.until(3)).toEqual([1, 2, 3]);
    });

    test('a payload that breaks its schema, or that JSON cannot carry, is refused and stored nowhere', async () => {
      const [alice, bob] = [await open('alice'), await open('bob')];
      const titles = gather<string>();
      bob.on('todo.added', ({ data }) => titles.add(data.title));
      await expect(alice.publish('todo.added', JSON.parse('{"title":7}'))).rejects.toMatchObject({
        name: 'InvalidPayload',
        message: expect.stringContaining('refused at `title`: a title is needed'),
      });
      const uncarried = { title: 'x', done: (): boolean => true };
      await expect(alice.publish('todo.added', uncarried)).rejects.toMatchObject({
        name: 'InvalidPayload',
        message: expect.stringContaining('`done` is a function'),
      });
      await expect(alice.publish('todo.added', { title: 'x'.repeat(300_000) })).rejects.toMatchObject({
        name: 'TooLarge',
      });
      await expect(alice.publish('todo.added', { title: 'x' }, { channel: 'no spaces' })).rejects.toMatchObject({
        name: 'InvalidChannel',
      });
      await expect(alice.publish(JSON.parse('"todo.lost"'), JSON.parse('{}'))).rejects.toMatchObject({
        name: 'UnknownEvent',
      });
      await alice.publish('todo.added', { title: 'good' });
      expect(await titles.until(1)).toEqual(['good']);
      expect(alice.status.get().counts).toMatchObject({ published: 1, refused: 5 });
    });

    test('a handler that throws is counted, and its neighbours run', async () => {
      const alice = await open('alice');
      const titles = gather<string>();
      alice.on('todo.added', () => {
        throw new Error('mine alone');
      });
      alice.on('todo.added', async () => Promise.reject(new Error('mine too')));
      alice.on('todo.*', ({ data }) => 'title' in data && titles.add(data.title));
      await alice.publish('todo.added', { title: 'fly' });
      expect(await titles.until(1)).toEqual(['fly']);
      const { counts } = await untilStatus(alice.status, ({ counts: { failed } }) => failed === 2);
      expect(counts.delivered).toBe(3);
    });

    test('an ephemeral event is heard live on another device and in another tab, and by nobody later', async () => {
      const [alice, alicesOther, bob] = [await open('alice'), await open('alice'), await open('bob')];
      await Promise.all(
        [alice, alicesOther, bob].map((tab) => untilStatus(tab.status, ({ connection }) => connection === 'online')),
      );
      const heard = [alice, alicesOther, bob].map((tab) => {
        const numbers = gather<number>();
        tab.on('todo.done', ({ data }) => numbers.add(data.n));
        return numbers;
      });
      const receipt = await alice.publish('todo.done', { n: 1 }, { durable: false });
      expect(receipt.position).toBeNull();
      for (const numbers of heard) expect(await numbers.until(1)).toEqual([1]);
      await alice.publish('todo.done', { n: 2 });
      for (const numbers of heard) expect(await numbers.until(2)).toEqual([1, 2]);
      const carol = await open('carol');
      const late = gather<number>();
      carol.on('todo.done', ({ data }) => late.add(data.n));
      expect(await late.until(1)).toEqual([2]);
    });

    test('channels are apart: who reads one does not hear another', async () => {
      const [alice, bob] = [await open('alice', ['a', 'b']), await open('bob', ['b'])];
      const numbers = gather<number>();
      bob.on('todo.done', ({ data }) => numbers.add(data.n));
      await alice.publish('todo.done', { n: 1 });
      await alice.publish('todo.done', { n: 2 }, { channel: 'b' });
      expect(await numbers.until(1)).toEqual([2]);
    });

    test('after close every call is refused by name, and closing twice is closing once', async () => {
      const alice = await open('alice');
      await Promise.all([alice.close(), alice.close()]);
      await expect(alice.publish('todo.done', { n: 1 })).rejects.toMatchObject({ name: 'Closed' });
      expect(() => alice.on('todo.done', () => undefined)).toThrow(expect.objectContaining({ name: 'Closed' }));
      expect(alice.status.get().connection).toBe('closed');
    });

    test('what is published just before closing is stored', async () => {
      const alice = await open('alice');
      const published = alice.publish('todo.added', { title: 'last words' });
      await alice.close();
      await expect(published).resolves.toMatchObject({ channel: expect.any(String) });
      const bob = await open('bob');
      const titles = gather<string>();
      bob.on('todo.added', ({ data }) => titles.add(data.title));
      await open('alice');
      expect(await titles.until(1)).toEqual(['last words']);
    });

    test('status is the same object until something changes, and tells of what does', async () => {
      const alice = await open('alice');
      await untilStatus(alice.status, ({ connection, role }) => connection === 'online' && role !== 'follower');
      const before = alice.status.get();
      expect(alice.status.get()).toBe(before);
      await alice.publish('todo.done', { n: 1 });
      const after = await untilStatus(alice.status, ({ counts, pending }) => counts.published === 1 && pending === 0);
      expect(after).not.toBe(before);
      expect(before.counts.published).toBe(0);
    });

    asking(open);
    durably(open);
  });
}
