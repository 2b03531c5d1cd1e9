// What the platform throws at whoever calls an object, and what becomes of it.
import type { CloudEvent } from '@godwit/core';
import { expect, test } from 'vitest';
import { createObjectChannels } from './channels.ts';
import type { ChannelStub } from './stub.ts';

const event: CloudEvent = { specversion: '1.0', id: '1', source: '/alice', type: 'todo.added' };
const restarted = { message: 'Durable Object reset because its code was updated.', retryable: true };
const overloaded = { message: 'Durable Object is overloaded. Too many requests queued.', overloaded: true };

test('an append that met a restart is sent once more, to a new stub: the log knows what it has', async () => {
  const { channel, calls } = world({ throws: [restarted] });
  await channel.append([{ event }]);
  expect(calls).toEqual(['stub 1: append', 'stub 2: append']);
});

test('an object that stays away is a storage that failed, and the failure says what to do', async () => {
  const { channel, calls } = world({ throws: [restarted, restarted] });
  await expect(channel.append([{ event }])).rejects.toMatchObject({
    name: 'StorageFailed',
    message: `the object of the channel "room" did not answer (${restarted.message}); try again`,
    details: { retryAfterMs: 1000 },
  });
  expect(calls).toHaveLength(2);
});

test('an overloaded object is not asked again, and its callers are slowed down', async () => {
  const { channel, calls } = world({ throws: [{ ...overloaded, retryable: true }] });
  await expect(channel.stat()).rejects.toMatchObject({
    name: 'RateLimited',
    message: `the channel "room" has more to do than it can (${overloaded.message}); try again`,
    details: { retryAfterMs: 1000 },
  });
  expect(calls).toHaveLength(1);
});

test('what would count twice is not sent twice', async () => {
  const failure = { name: 'InvalidEvent', message: 'it has no type' } as const;
  for (const item of [{ event: { ...event, ephemeral: true } }, { refused: { id: null, failure } }]) {
    const { channel, calls } = world({ throws: [restarted] });
    await expect(channel.append([{ event }, item])).rejects.toMatchObject({ name: 'StorageFailed' });
    expect(calls).toEqual(['stub 1: append']);
  }
  const { channel, calls } = world({ throws: [restarted] });
  await expect(channel.remove()).rejects.toMatchObject({ name: 'StorageFailed' });
  expect(calls).toEqual(['stub 1: remove']);
});

test('an error that nothing is known of is not tried again', async () => {
  const { channel, calls } = world({ throws: [{ message: 'internal error' }] });
  await expect(channel.stat()).rejects.toMatchObject({ name: 'StorageFailed' });
  expect(calls).toHaveLength(1);
});

test('a stream that ends, fails or is cancelled hands its lease back, once', async () => {
  const ways = {
    ends: (source: ReadableStreamDefaultController<Uint8Array>) => source.close(),
    fails: (source: ReadableStreamDefaultController<Uint8Array>) => source.error(new Error('Network connection lost.')),
    isCancelled: () => {},
  };
  for (const [way, happen] of Object.entries(ways)) {
    let source: ReadableStreamDefaultController<Uint8Array> | undefined;
    const stream = new ReadableStream<Uint8Array>({ start: (controller) => void (source = controller) });
    let released = 0;
    const lease = { [Symbol.dispose]: () => void (released += 1) };
    const { channel } = world({ throws: [], stream: { stream, lease } });
    const reader = (await channel.stream({ after: 'latest', types: [], heartbeat: false })).getReader();
    source?.enqueue(new Uint8Array([1]));
    expect((await reader.read()).value).toEqual(new Uint8Array([1]));
    expect(released).toBe(0);
    if (source !== undefined) happen(source);
    if (way === 'fails') await expect(reader.read()).rejects.toThrow('Network connection lost.');
    else if (way === 'ends') expect((await reader.read()).done).toBe(true);
    else await reader.cancel();
    await reader.cancel().catch(() => {});
    expect(released).toBe(1);
  }
});

/** A namespace whose stubs throw what they are given, one call after the other, and then answer. */
function world(options: {
  readonly throws: readonly object[];
  readonly stream?: { readonly stream: ReadableStream<Uint8Array>; readonly lease: Disposable };
}) {
  const throws = [...options.throws];
  const calls: string[] = [];
  let stubs = 0;
  const namespace = {
    getByName(): ChannelStub {
      stubs += 1;
      const stub = stubs;
      const call = async <Value>(
        method: string,
        value: Value,
      ): Promise<{ readonly ok: true; readonly value: Value }> => {
        calls.push(`stub ${stub}: ${method}`);
        const next = throws.shift();
        if (next !== undefined) throw Object.assign(new Error(), next);
        return { ok: true, value };
      };
      const page = { events: [], next: 'e.0', upToDate: true };
      const counts = { published: 0, duplicates: 0, refused: 0, delivered: 0, filtered: 0, dropped: {} };
      const stat = { ...counts, subscribers: 0, queueDepth: 0, head: 'e.0', tail: 'e.0', bytes: 0, since: '' };
      const { stream = { stream: new ReadableStream<Uint8Array>() } } = options;
      return {
        append: () => call('append', []),
        page: () => call('page', page),
        stream: () => call('stream', stream),
        presence: async () => ({ ok: true, value: [] }),
        stat: () => call('stat', stat),
        remove: () => call('remove', true),
        note: () => call('note', undefined),
        noted: () => call('noted', []),
        webhooks() {
          throw new Error('no test asks for webhooks');
        },
      };
    },
  };
  return { channel: createObjectChannels(namespace).channel('room'), calls };
}
