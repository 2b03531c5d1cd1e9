import { expect, test } from 'vitest';
import { defineEvents } from '../event/define.ts';
import { payload } from '../event/schema.ts';
import { Failure, toFailure } from '../failure.ts';
import type { Link } from '../ports/link.ts';
import { createPlace } from './test/place.ts';

const events = defineEvents({ 'todo.done': payload<{ readonly n: number }>() });

/** A way to a relay that takes even numbers alone. */
const refusingOdd = (link: Link): Link => ({
  ...link,
  push: (channel, batch, signal) =>
    Promise.all(
      batch.map(async (event) => {
        const isOdd = JSON.stringify(event.data) === '{"n":1}';
        const failure = { name: 'Forbidden', message: 'not an odd one' } as const;
        if (isOdd) return { id: event.id, status: 'refused', failure };
        const [result] = await link.push(channel, [event], signal);
        if (result === undefined) throw new Failure('Internal', 'the relay said nothing');
        return result;
      }),
    ),
});

test('an event that the relay refuses says so to whoever waits for it, by the relay\u2019s reason, also in another tab', async () => {
  const { world, tab } = createPlace();
  const report = (): void => undefined;
  const alice = await tab('alice', events, { report, linkOf: refusingOdd });
  const follower = await tab('alice', events, { report });
  await world.advance(1000);
  for (const its of [alice, follower]) {
    const [odd, even] = [await its.publish('todo.done', { n: 1 }), await its.publish('todo.done', { n: 2 })];
    const outcomes = Promise.allSettled([odd.relayed(), even.relayed()]);
    await world.advance(1000);
    expect(await outcomes).toMatchObject([
      { status: 'rejected', reason: { name: 'Forbidden', message: 'not an odd one' } },
      { status: 'fulfilled' },
    ]);
  }
});

test('of another tab\u2019s events, and again after a reload, a page hears the same, and of a stranger\u2019s at once that it is there', async () => {
  const { world, tab } = createPlace();
  const parts = { report: (): void => undefined, linkOf: refusingOdd };
  const [alice, other] = [await tab('alice', events, parts), await tab('alice', events, parts)];
  const bob = await tab('bob', events);
  const outcomeOf = (relayed: Promise<void>): Promise<string> =>
    relayed.then(
      () => 'relayed',
      (error: unknown) => toFailure(error).message,
    );
  const heard: Promise<string>[] = [];
  other.on('todo.done', (event) => heard.push(outcomeOf(other.relayed(event))));
  await alice.publish('todo.done', { n: 1 });
  await alice.publish('todo.done', { n: 2 });
  await bob.publish('todo.done', { n: 3 });
  await world.advance(1000);
  expect(await Promise.all(heard)).toEqual(['not an odd one', 'relayed', 'relayed']);

  await Promise.all([alice.close(), other.close()]);
  const again = await tab('alice', events, parts);
  const shown: Promise<string>[] = [];
  for await (const event of again.events('todo.done', { live: false })) shown.push(outcomeOf(again.relayed(event)));
  expect(await Promise.all(shown)).toEqual(['not an odd one', 'relayed', 'relayed']);
  const ephemeral = await again.publish('todo.done', { n: 4 }, { durable: false });
  for (const not of [ephemeral, JSON.parse('{}')]) {
    await expect(again.relayed(not)).rejects.toMatchObject({ name: 'Misused' });
  }
});

test('who aborts the signal that a runtime was made with closes it', async () => {
  const { tab } = createPlace();
  const life = new AbortController();
  const alice = await tab('alice', events, { signal: life.signal });
  life.abort();
  await expect(alice.publish('todo.done', { n: 1 })).rejects.toMatchObject({ name: 'Closed' });
  await expect(tab('bob', events, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'Closed' });
});

test('a history behind an event that has no place in the log, as an ephemeral one, is all that the device holds', async () => {
  const { tab } = createPlace();
  const alice = await tab('alice', events);
  await alice.publish('todo.done', { n: 1 });
  const { position } = await alice.publish('todo.done', { n: 2 }, { durable: false });
  const seen: number[] = [];
  for await (const { data } of alice.events('todo.done', { after: position, live: false })) seen.push(data.n);
  expect([position, seen]).toEqual([null, [1]]);
});

test('a history behind a place of a log that was lost begins with a gap, and passes over nothing', async () => {
  const { tab } = createPlace();
  const before = await tab('alice', events);
  await before.publish('todo.done', { n: 1 });
  const { position } = await before.publish('todo.done', { n: 2 });
  await before.destroy();
  const alice = await tab('alice', events);
  const seen: unknown[] = [];
  const onGap = ({ missed }: { readonly missed: number | null }): unknown => seen.push(missed);
  await alice.publish('todo.done', { n: 3 });
  for await (const { data } of alice.events('todo.done', { after: position, onGap, live: false })) seen.push(data.n);
  expect(seen).toEqual([null, 3]);
  // What another tab has just stored is no place beyond the log.
  const other = await tab('alice', events);
  const { position: newest } = await other.publish('todo.done', { n: 4 });
  for await (const _ of alice.events('todo.done', { after: newest, onGap, live: false })) seen.push('again');
  expect(seen).toEqual([null, 3]);
});

test('a place in the log that is none is refused at the call', async () => {
  const { tab } = createPlace();
  const alice = await tab('alice', events);
  expect(() => alice.events('todo.done', { after: -1 })).toThrow(/`after` is a position/);
  expect(() => alice.events('todo.done', { channel: 'hall' })).toThrow(/does not read the channel "hall"/);
});
