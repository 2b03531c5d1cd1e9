// The law of what an application may ask of a runtime: whether the relay has it, what the log holds, and to wait for either.
import { expect, test } from 'vitest';
import type { Runtime } from '../../runtime/runtime.ts';
import type { FlowEvents } from './events.ts';
import { untilStatus } from '../waiting.ts';

/** Opens a tab of a device. */
type Open = (device: string, channels?: readonly string[]) => Promise<Runtime<FlowEvents>>;

/** Asked of every runtime. */
export function asking(open: Open): void {
  test('a receipt says when the relay has the event, whichever tab sent it', async () => {
    const [leader, follower] = [await open('alice'), await open('alice')];
    await untilStatus(leader.status, ({ connection }) => connection === 'online');
    for (const tab of [leader, follower]) {
      const { relayed } = await tab.publish('todo.done', { n: 1 });
      await relayed();
      await relayed();
    }
    const ephemeral = await leader.publish('todo.done', { n: 2 }, { durable: false });
    await expect(ephemeral.relayed()).rejects.toMatchObject({ name: 'Misused' });
  });

  test('a receipt that still waits when its tab closes says so', async () => {
    const alice = await open('alice');
    alice.pause();
    await untilStatus(alice.status, ({ connection }) => connection === 'paused');
    const { relayed } = await alice.publish('todo.done', { n: 1 });
    const waiting = relayed().catch((error: Error) => error.name);
    await alice.close();
    expect(await waiting).toBe('Closed');
  });

  test('flush waits until the relay has everything', async () => {
    const alice = await open('alice');
    alice.pause();
    await untilStatus(alice.status, ({ connection }) => connection === 'paused');
    await alice.publish('todo.done', { n: 1 });
    await expect(alice.flush({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
    const flushed = alice.flush();
    alice.resume();
    await flushed;
    expect(alice.status.get().pending).toBe(0);
  });

  test('the history is read from where one says, in order, and goes on with what comes', async () => {
    const [alice, bob] = [await open('alice'), await open('bob')];
    const receipts = [];
    for (let n = 0; n < 5; n += 1) receipts.push(await alice.publish('todo.done', { n }));
    await receipts.at(-1)?.relayed();
    await bob.publish('todo.done', { n: 5 });
    const read: number[] = [];
    for await (const { data } of alice.events('todo.done', { after: receipts[1]?.position ?? 0 })) {
      read.push(data.n);
      if (data.n === 5) await alice.publish('todo.done', { n: 6 });
      if (data.n === 6) break;
    }
    expect(read).toEqual([2, 3, 4, 5, 6]);
    const own: number[] = [];
    for await (const { data, offset } of alice.events('todo.done', { live: false }))
      if (offset === null) own.push(data.n);
    expect(own).toEqual([0, 1, 2, 3, 4, 6]);
  });

  test('closing ends whoever reads the history, and refuses whoever begins to', async () => {
    const alice = await open('alice');
    await alice.publish('todo.done', { n: 1 });
    const reading = alice.events('todo.done');
    expect(await reading.next()).toMatchObject({ value: { data: { n: 1 } } });
    const next = reading.next();
    await alice.close();
    expect(await next).toMatchObject({ done: true });
    expect(() => alice.events('todo.done')).toThrow(expect.objectContaining({ name: 'Closed' }));
    await expect(alice.flush()).rejects.toMatchObject({ name: 'Closed' });
  });

  test('`await using` closes', async () => {
    let kept: Runtime<FlowEvents>;
    {
      await using alice = await open('alice');
      await alice.publish('todo.done', { n: 1 });
      kept = alice;
    }
    await expect(kept.publish('todo.done', { n: 2 })).rejects.toMatchObject({ name: 'Closed' });
  });

  test('what is destroyed is forgotten: the next tab is a new device with an empty log', async () => {
    const alice = await open('alice');
    await untilStatus(alice.status, ({ connection }) => connection === 'online');
    const { deviceId } = alice.status.get();
    alice.pause();
    await untilStatus(alice.status, ({ connection }) => connection === 'paused');
    await alice.publish('todo.done', { n: 1 });
    // A person is impatient, and somebody closes what has ended.
    await Promise.all([alice.destroy(), alice.destroy(), alice.close()]);
    await alice.destroy();
    await expect(alice.publish('todo.done', { n: 2 })).rejects.toMatchObject({ name: 'Closed' });
    const again = await open('alice');
    expect(again.status.get()).toMatchObject({ pending: 0 });
    expect(again.status.get().deviceId).not.toBe(deviceId);
    await again.close();
    await expect(again.destroy()).rejects.toMatchObject({ name: 'Closed' });
  });
}
