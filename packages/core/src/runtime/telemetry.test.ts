import { expect, test } from 'vitest';
import { defineEvents } from '../event/define.ts';
import { payload } from '../event/schema.ts';
import { createMemoryTelemetry } from '../memory/telemetry.ts';
import { formatTraceparent } from '../ports/telemetry-traceparent.ts';
import { createTestLogger } from '../testing/logger.ts';
import { gather, untilStatus } from '../testing/waiting.ts';
import { createPlace } from './test/place.ts';

const events = defineEvents({ 'bird.flew': payload<{ readonly km: number }>() });
const theirs = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

test('what is published is a producer\u2019s span, counted and timed, and the event carries its traceparent', async () => {
  const place = createPlace();
  const telemetry = createMemoryTelemetry(place.world);
  const alice = await place.tab('alice', events, { telemetry });
  const { id } = await alice.publish('bird.flew', { km: 11_000 });
  await untilStatus(alice.status, ({ pending }) => pending === 0);
  expect(telemetry.spans).toMatchObject([
    {
      name: 'godwit.publish',
      kind: 'producer',
      parent: undefined,
      attributes: { 'godwit.event.type': 'bird.flew', 'godwit.event.id': id, 'godwit.channel': 'board' },
    },
  ]);
  const [span] = telemetry.spans;
  expect(await place.stored()).toMatchObject([{ id, traceparent: span && formatTraceparent(span.context) }]);
  const attributes = { 'godwit.event.type': 'bird.flew', 'godwit.outcome': 'success', 'godwit.error': false };
  expect(telemetry.counted('godwit.published')).toEqual([{ value: 1, attributes }]);
  expect(telemetry.recorded('godwit.publish.duration')).toMatchObject([{ attributes }]);
});

test('what is refused is counted with the failure\u2019s name, and its span has failed', async () => {
  const place = createPlace();
  const telemetry = createMemoryTelemetry(place.world);
  const alice = await place.tab('alice', events, { telemetry });
  const uncarried = { km: Number.NaN };
  await expect(alice.publish('bird.flew', uncarried)).rejects.toMatchObject({ name: 'InvalidPayload' });
  expect(telemetry.counted('godwit.published')).toMatchObject([
    { value: 1, attributes: { 'godwit.outcome': 'failure', 'godwit.failure': 'InvalidPayload' } },
  ]);
  expect(telemetry.spans).toMatchObject([{ failure: expect.stringContaining('km') }]);
});

test('a traceparent that the caller names is the span\u2019s parent; without telemetry it is passed through', async () => {
  const place = createPlace();
  const telemetry = createMemoryTelemetry(place.world);
  const [alice, bob] = [await place.tab('alice', events, { telemetry }), await place.tab('bob', events)];
  await alice.publish('bird.flew', { km: 1 }, { traceparent: theirs });
  await bob.publish('bird.flew', { km: 2 }, { traceparent: theirs });
  await bob.publish('bird.flew', { km: 3 });
  await untilStatus(bob.status, ({ pending }) => pending === 0);
  await untilStatus(alice.status, ({ pending }) => pending === 0);
  expect(telemetry.spans).toMatchObject([{ parent: { spanId: '00f067aa0ba902b7' } }]);
  const stored = new Map((await place.stored()).map(({ data, traceparent }) => [JSON.stringify(data), traceparent]));
  const [span] = telemetry.spans;
  expect(stored.get('{"km":1}')).toBe(span && formatTraceparent(span.context));
  expect(stored.get('{"km":2}')).toBe(theirs);
  expect(stored.get('{"km":3}')).toBeUndefined();
});

test('each run of a live handler is a root that links the span of who published; runs that throw or reject count too', async () => {
  const place = createPlace();
  const logger = createTestLogger();
  const atAlice = createMemoryTelemetry(place.world);
  const atBob = createMemoryTelemetry(place.world);
  const alice = await place.tab('alice', events, { telemetry: atAlice });
  const bob = await place.tab('bob', events, { telemetry: atBob, logger });
  const heard = gather<number>();
  bob.on('bird.flew', ({ data }) => heard.add(data.km));
  bob.on('bird.*', () => {
    throw new TypeError('not a bird');
  });
  bob.on('**', async () => Promise.reject(new RangeError('too far')));
  const { id } = await alice.publish('bird.flew', { km: 11_000 });
  await heard.until(1);
  await untilStatus(bob.status, ({ counts }) => counts.failed === 2);
  const [published] = atAlice.spans;
  expect(atBob.spans).toHaveLength(3);
  for (const span of atBob.spans) {
    expect(span).toMatchObject({
      name: 'godwit.handle',
      kind: 'consumer',
      parent: undefined,
      links: [published?.context],
      attributes: { 'godwit.event.id': id, 'godwit.handler.kind': 'live', 'godwit.channel': 'board' },
    });
    expect(span.context.traceId).not.toBe(published?.context.traceId);
  }
  const runs = atBob
    .counted('godwit.executions')
    .map(({ value, attributes }) => [
      attributes['godwit.handler'],
      value,
      attributes['godwit.error'],
      attributes['godwit.failure'],
    ]);
  expect(runs).toEqual([
    ['bird.flew', 1, false, undefined],
    ['bird.*', 1, true, 'TypeError'],
    ['**', 1, true, 'RangeError'],
  ]);
  expect(atBob.recorded('godwit.execute.duration')).toHaveLength(3);
  expect(atBob.recorded('godwit.handle.latency')).toHaveLength(3);
  expect(logger.lines.map(({ level, fields }) => [level, fields?.['failure']])).toEqual([
    ['error', expect.objectContaining({ name: 'HandlerFailed' })],
    ['error', expect.objectContaining({ name: 'HandlerFailed' })],
  ]);
});

test('what a handler publishes while it runs is part of its span', async () => {
  const place = createPlace();
  const telemetry = createMemoryTelemetry(place.world);
  const alice = await place.tab('alice', events, { telemetry });
  const heard = gather<number>();
  alice.on('bird.flew', ({ data }) => {
    heard.add(data.km);
    return data.km === 1 ? alice.publish('bird.flew', { km: 2 }) : undefined;
  });
  await alice.publish('bird.flew', { km: 1 });
  await heard.until(2);
  await place.world.settle();
  const published = telemetry.spans.filter(({ name }) => name === 'godwit.publish');
  const first = published.find(({ parent }) => parent === undefined);
  const second = published.find(({ parent }) => parent !== undefined);
  const handled = telemetry.spans.find(({ links }) => links[0]?.spanId === first?.context.spanId);
  expect(handled).toBeDefined();
  expect(second?.parent).toEqual(handled?.context);
});

test('one tab of a device tells how much is pending, and none once it is closed', async () => {
  const place = createPlace();
  const [leading, following] = [createMemoryTelemetry(place.world), createMemoryTelemetry(place.world)];
  const alice = await place.tab('alice', events, { telemetry: leading });
  await untilStatus(alice.status, ({ role, connection }) => role === 'leader' && connection === 'online');
  const other = await place.tab('alice', events, { telemetry: following });
  alice.pause();
  await untilStatus(alice.status, ({ connection }) => connection === 'paused');
  await other.publish('bird.flew', { km: 1 });
  await untilStatus(alice.status, ({ pending }) => pending === 1);
  expect(other.status.get().role).toBe('follower');
  expect(leading.observed('godwit.pending')).toEqual([{ value: 1, attributes: {} }]);
  expect(following.observed('godwit.pending')).toEqual([]);
  await alice.close();
  expect(leading.observed('godwit.pending')).toEqual([]);
});

test('a tab whose logger, reporter and telemetry all fail is a tab like any other', async () => {
  const place = createPlace();
  const fails = (): never => {
    throw new Error('not today');
  };
  const telemetry = createMemoryTelemetry({ now: fails, id: fails });
  const logger = { debug: fails, info: fails, warn: fails, error: fails };
  const alice = await place.tab('alice', events, { telemetry, logger, report: fails });
  const heard = gather<number>();
  alice.on('bird.flew', fails);
  alice.on('bird.flew', ({ data }) => heard.add(data.km));
  await alice.publish('bird.flew', { km: 1 });
  await alice.publish('bird.flew', { km: 2 });
  expect(await heard.until(2)).toEqual([1, 2]);
  expect(alice.status.get().counts).toMatchObject({ published: 2, delivered: 4, failed: 2 });
});
