import { createMemoryTelemetry, Failure, type Logs } from '@godwit/core';
import { createTestLogger, createTestWorld } from '@godwit/core/testing';
import { expect, test } from 'vitest';
import { createTestApp } from './test/app.ts';

const alices = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const bobs = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('a request is one span, linked to the publisher\u2019s span of each of its events, and its events are counted by outcome', async () => {
  const { post, telemetry } = openRelay();
  await post([{ id: '1', traceparent: alices }]);
  await post([
    { id: '1', traceparent: alices },
    { id: '2', traceparent: bobs },
    { id: '3', traceparent: bobs },
    { id: '4', traceparent: 'nonsense' },
    { id: '' },
  ]);
  expect(telemetry.spans.map(({ name, parent, links, attributes }) => ({ name, parent, links, attributes }))).toEqual([
    {
      name: 'godwit.append',
      parent: undefined,
      links: [expect.objectContaining({ spanId: '00f067aa0ba902b7' })],
      attributes: expect.objectContaining({ 'godwit.channel': 'board', 'godwit.batch.size': 1 }),
    },
    {
      name: 'godwit.append',
      parent: undefined,
      links: [
        expect.objectContaining({ spanId: '00f067aa0ba902b7' }),
        expect.objectContaining({ spanId: 'b7ad6b7169203331' }),
      ],
      attributes: expect.objectContaining({ 'godwit.batch.size': 5, 'godwit.outcome': 'success' }),
    },
  ]);
  expect(telemetry.counted('godwit.appended')).toEqual([
    { value: 4, attributes: { 'godwit.outcome': 'appended' } },
    { value: 1, attributes: { 'godwit.outcome': 'duplicate' } },
    { value: 1, attributes: { 'godwit.outcome': 'refused' } },
  ]);
  expect(telemetry.recorded('godwit.append.duration')).toHaveLength(2);
});

test('a request that says whose work it is part of is a child of that', async () => {
  const { post, telemetry } = openRelay();
  await post([{ id: '1', traceparent: alices }], { traceparent: bobs });
  expect(telemetry.spans[0]).toMatchObject({
    parent: { spanId: 'b7ad6b7169203331' },
    links: [{ spanId: '00f067aa0ba902b7' }],
  });
});

test('a request that cannot be stored is a failed span, counted, logged and reported; the reporter\u2019s own failure harms nobody', async () => {
  const logger = createTestLogger();
  const { post, telemetry } = openRelay(
    (logs) => ({
      ...logs,
      open: async (name) => ({ ...(await logs.open(name)), append: () => Promise.reject(full) }),
    }),
    {
      logger,
      report() {
        throw new Error('mine alone');
      },
    },
  );
  expect((await post([{ id: '1' }])).status).toBe(503);
  expect(telemetry.spans).toMatchObject([{ failure: full.message, attributes: { 'godwit.outcome': 'failure' } }]);
  expect(telemetry.counted('godwit.requests')).toMatchObject([
    { value: 1, attributes: { 'godwit.failure': 'StorageFailed' } },
  ]);
  expect(telemetry.counted('godwit.appended')).toEqual([]);
  expect(logger.lines).toMatchObject([{ level: 'error', message: full.message, fields: { failure: full } }]);
});

const full = new Failure('StorageFailed', 'the disk is full; make room');

function openRelay(change?: (logs: Logs) => Logs, more: Parameters<typeof createTestApp>[2] = {}) {
  const telemetry = createMemoryTelemetry(createTestWorld());
  const { app } = createTestApp({}, change, { telemetry, ...more });
  return {
    telemetry,
    post: async (events: readonly object[], headers: Record<string, string> = {}): Promise<Response> =>
      app.request('/v1/channels/board/events', {
        method: 'POST',
        headers: { 'content-type': 'application/cloudevents-batch+json', ...headers },
        body: JSON.stringify(events.map((event) => ({ specversion: '1.0', source: '/alice', type: 'a', ...event }))),
      }),
  };
}
