// Durable handlers, as every runtime keeps them: once per device, across tabs and restarts, with retries and dead letters.
import { expect, test } from 'vitest';
import type { Runtime } from '../../runtime/runtime.ts';
import type { FlowEvents } from './events.ts';
import { gather, untilStatus } from '../waiting.ts';

/** Opens a tab of a device. */
type Open = (device: string, channels?: readonly string[]) => Promise<Runtime<FlowEvents>>;

/** Resolves when so many events of a handler have been handled, as its tab sees it. */
function untilHandled(tab: Runtime<FlowEvents>, handler: string, events: number): Promise<unknown> {
  return untilStatus(tab.status, ({ handlers }) => (handlers[handler]?.totals.handled ?? 0) >= events);
}

/** The law of durable handlers. */
export function durably(open: Open): void {
  test('a durable handler runs once for each event and device, whichever tab does it', async () => {
    const [first, second, bob] = [await open('alice'), await open('alice'), await open('bob')];
    const [atAlice, atBob] = [gather<number>(), gather<number>()];
    for (const tab of [first, second])
      tab.handle('todo.done', 'count', ({ data }) => atAlice.add(data.n), { from: 'earliest' });
    bob.handle('todo.done', 'count', ({ data }) => atBob.add(data.n), { from: 'earliest' });
    for (let n = 0; n < 6; n += 1) await (n % 2 === 0 ? first : second).publish('todo.done', { n });
    expect(await atAlice.until(6)).toEqual([0, 1, 2, 3, 4, 5]);
    expect((await atBob.until(6)).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
    const last = await Promise.race([untilHandled(first, 'count', 6), untilHandled(second, 'count', 6)]);
    expect(last).toBeDefined();
    expect(atAlice.items).toHaveLength(6);
  });

  test('what was published while no tab defined the handler is handled by the next that does, where it was left', async () => {
    const before = await open('alice');
    const first = gather<number>();
    before.handle('todo.done', 'count', ({ data }) => first.add(data.n));
    await before.publish('todo.done', { n: 1 });
    expect(await first.until(1)).toEqual([1]);
    await untilHandled(before, 'count', 1);
    await before.close();
    const other = await open('alice');
    await other.publish('todo.done', { n: 2 });
    await other.close();
    const after = await open('alice');
    const second = gather<number>();
    after.handle('todo.done', 'count', ({ data }) => second.add(data.n));
    await after.publish('todo.done', { n: 3 });
    expect(await second.until(2)).toEqual([2, 3]);
  });

  test('an event that fails is tried again, and in the end is a dead letter that can be run again', async () => {
    const alice = await open('alice');
    const attempts = gather<string>();
    let isBroken = true;
    alice.handle(
      'todo.added',
      'index',
      ({ data }, { attempt }) => {
        attempts.add(`${data.title} ${attempt}`);
        if (isBroken) throw new Error('no index');
      },
      { maxErrors: 3, backoff: { baseMs: 1, capMs: 1 } },
    );
    await alice.publish('todo.added', { title: 'fly' });
    await untilStatus(alice.status, ({ handlers }) => handlers['index']?.rows.dead === 1);
    expect(attempts.items).toEqual(['fly 1', 'fly 2', 'fly 3']);
    const { tasks } = await alice.tasks.list({ states: ['dead'] });
    expect(tasks).toMatchObject([
      { handler: 'index', attempts: 3, event: { data: { title: 'fly' } }, failure: { name: 'HandlerFailed' } },
    ]);
    isBroken = false;
    expect(await alice.tasks.retry({ states: ['dead'], handler: 'index' })).toBe(1);
    await untilHandled(alice, 'index', 1);
    expect(await alice.tasks.count()).toBe(0);
  });

  test('a page of tasks behind what is no place is refused by name, whatever the store would make of it', async () => {
    const alice = await open('alice');
    for (const after of [
      'index',
      7,
      {},
      { handler: 'index' },
      { handler: 'index', position: '1' },
      { handler: null, position: 1 },
    ]) {
      // @ts-expect-error a place is a handler and a position
      await expect(alice.tasks.list({}, { after })).rejects.toMatchObject({
        name: 'InvalidOptions',
        message: expect.stringContaining('a page of tasks begins behind a `next`; got'),
      });
    }
    expect(await alice.tasks.list({}, { after: { handler: 'index', position: 1 } })).toEqual({ tasks: [], next: null });
  });

  test('events of one key keep their order across retries, and other keys go on', async () => {
    const alice = await open('alice');
    const handled = gather<number>();
    alice.handle(
      'todo.done',
      'ship',
      ({ data }, { attempt }) => {
        if (data.n === 0 && attempt < 3) throw new Error('no driver');
        handled.add(data.n);
      },
      { key: ({ data }) => (data.n % 2 === 0 ? 'even' : null), concurrency: 4, backoff: { baseMs: 5, capMs: 5 } },
    );
    await Promise.all([0, 1, 2, 3, 4].map((n) => alice.publish('todo.done', { n })));
    expect((await handled.until(5)).filter((n) => n % 2 === 0)).toEqual([0, 2, 4]);
    await untilHandled(alice, 'ship', 5);
  });

  test('what a handler publishes carries its cause, reaches other devices, and is handled there', async () => {
    const [alice, bob] = [await open('alice'), await open('bob')];
    const causes = gather<unknown>();
    alice.handle('todo.added', 'finish', (_, { publish }) => publish('todo.done', { n: 1 }));
    bob.handle('todo.done', 'cheer', ({ correlationid, causationid }) => causes.add([correlationid, causationid]), {
      from: 'earliest',
    });
    const { id } = await alice.publish('todo.added', { title: 'fly' });
    expect(await causes.until(1)).toEqual([[id, id]]);
  });

  test('a handler whose tab is closed goes on in another tab', async () => {
    const [first, second] = [await open('alice'), await open('alice')];
    const heard = gather<string>();
    first.handle('todo.done', 'count', ({ data }) => heard.add(`first ${data.n}`));
    await untilStatus(first.status, ({ handlers }) => handlers['count']?.isHere === true);
    second.handle('todo.done', 'count', ({ data }) => heard.add(`second ${data.n}`));
    await second.publish('todo.done', { n: 1 });
    expect(await heard.until(1)).toEqual(['first 1']);
    await first.close();
    await second.publish('todo.done', { n: 2 });
    expect(await heard.until(2)).toEqual(['first 1', 'second 2']);
  });

  test('durable handlers in relay order see the same sequence on every device, own events once confirmed', async () => {
    const [alice, bob] = [await open('alice'), await open('bob')];
    const [atAlice, atBob] = [gather<string>(), gather<string>()];
    alice.handle('todo.done', 'order', ({ id, offset }) => atAlice.add(`${offset}=${id}`), {
      order: 'relay',
      from: 'earliest',
    });
    bob.handle('todo.done', 'order', ({ id, offset }) => atBob.add(`${offset}=${id}`), {
      order: 'relay',
      from: 'earliest',
    });
    await Promise.all(Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? alice : bob).publish('todo.done', { n })));
    const sequence = await atAlice.until(12);
    expect(await atBob.until(12)).toEqual(sequence);
    expect(sequence.every((line) => !line.startsWith('null'))).toBe(true);
  });

  test('a durable handler of one channel has no other\u2019s events', async () => {
    const alice = await open('alice', ['a', 'b']);
    const numbers = gather<number>();
    alice.handle('todo.done', 'count', ({ data }) => numbers.add(data.n), { channel: 'b' });
    await alice.publish('todo.done', { n: 1 }, { channel: 'a' });
    await alice.publish('todo.done', { n: 2 }, { channel: 'b' });
    expect(await numbers.until(1)).toEqual([2]);
    await untilHandled(alice, 'count', 1);
    expect(numbers.items).toEqual([2]);
  });

  test('paused, no tab of the device begins a task; resumed, they go on', async () => {
    const [first, second] = [await open('alice'), await open('alice')];
    const heard = gather<number>();
    first.handle('todo.done', 'count', ({ data }) => heard.add(data.n));
    await untilStatus(first.status, ({ handlers }) => handlers['count']?.isHere === true);
    second.tasks.pause();
    await untilStatus(first.status, ({ tasks }) => tasks === 'paused');
    await first.publish('todo.done', { n: 1 });
    expect(heard.items).toEqual([]);
    second.tasks.resume();
    expect(await heard.until(1)).toEqual([1]);
  });
}
