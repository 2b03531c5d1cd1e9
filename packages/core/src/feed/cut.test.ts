// A connection may break at any byte: whoever resumes from the last whole `id:` misses nothing, and gets nothing twice.
import { expect, test } from 'vitest';
import { createFeedWorld, eventOf, items, range, type FeedWorld } from './test/reading.ts';

/** What a native EventSource has after these bytes: the events whose frames came whole, and the id that it resumes from. */
function received(text: string): { readonly ids: readonly string[]; readonly lastId: string } {
  const ids: string[] = [];
  let lastId = '';
  // What follows the last empty line is half a frame, and dispatches nothing (HTML, "Interpreting an event stream").
  for (const frame of text.split('\n\n').slice(0, -1)) {
    const [, id] = /^id: (.*)$/m.exec(frame) ?? [];
    const [, data] = /^data: (.*)$/m.exec(frame) ?? [];
    lastId = id ?? lastId;
    if (data !== undefined && !/^event: /m.test(frame)) ids.push((JSON.parse(data) as { id: string }).id);
  }
  return { ids, lastId };
}

/** Reads a stream until it holds `upTo` as its last event, and leaves. */
async function readUntil({ feed }: FeedWorld, after: string, types: readonly string[], upTo: string): Promise<string> {
  const reader = (await feed.stream({ after, types, heartbeat: true })).getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (received(text).ids.at(-1) !== upTo) {
    const { done, value } = await reader.read();
    if (done) throw new Error('the stream has ended');
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return text;
}

test.each([
  ['all events', [], range(1, 6).map(String)],
  ['those of one type', ['todo.added'], ['1', '3', '4', '6']],
])('a stream of %s that is cut at any byte goes on without a loss and without a double', async (_, types, wanted) => {
  const world = createFeedWorld();
  const typeOf = (id: number): string => (id % 3 === 2 ? 'todo.removed' : 'todo.added');
  for (const id of range(1, 3)) {
    await world.feed.append(items(eventOf(String(id), { type: typeOf(id), data: 'ä\n"€' })));
  }
  await world.feed.append(items(...range(4, 6).map((id) => eventOf(String(id), { type: typeOf(id) }))));
  const bytes = new TextEncoder().encode(await readUntil(world, 'earliest', types, '6'));
  for (const cut of range(0, bytes.length)) {
    const before = received(new TextDecoder().decode(bytes.subarray(0, cut)));
    const after = before.lastId === '' ? 'earliest' : before.lastId;
    const isDone = before.ids.at(-1) === '6';
    const rest = isDone ? [] : received(await readUntil(world, after, types, '6')).ids;
    expect([...before.ids, ...rest], `cut at byte ${cut}`).toEqual(wanted);
  }
});
