// What every Telemetry keeps, whatever it tells its numbers and spans to.
import { describe, expect, test } from 'vitest';
import type { BackendAttributes } from '../ports/telemetry-backend.ts';
import type { SpanKind } from '../ports/telemetry-names.ts';
import type { Telemetry, Watched } from '../ports/telemetry.ts';
import { parseTraceparent } from '../ports/telemetry-traceparent.ts';

/** A sum, or the sum of `count` times, with its attributes. Names are whole. */
export interface SeenPoint {
  readonly value: number;
  readonly count?: number;
  readonly attributes: BackendAttributes;
}

/** A span that has ended. */
export interface SeenSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly attributes: BackendAttributes;
  /** The message of its error status. */
  readonly failure: string | undefined;
}

/** Telemetry, and what has come of it. */
export interface TelemetryUnderTest {
  readonly telemetry: Telemetry;
  counted(name: string): Promise<readonly SeenPoint[]>;
  timed(name: string): Promise<readonly SeenPoint[]>;
  observed(name: string): Promise<readonly SeenPoint[]>;
  spans(): Promise<readonly SeenSpan[]>;
}

/** How it is made: `broken` tells it to a backend of which every call throws. */
export interface TelemetryStart {
  readonly prefix?: string;
  readonly broken?: boolean;
}

const theirs = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const others = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';

const watched: Watched = {
  name: 'handle',
  event: { specversion: '1.0', id: '7', source: '/alice', type: 'order.paid', traceparent: theirs },
  links: [others],
  labels: { handler: 'send-receipt' },
  attributes: { attempt: 2 },
};

/** The law of {@link Telemetry}. */
export function telemetryContract(name: string, make: (start?: TelemetryStart) => TelemetryUnderTest): void {
  describe(`the telemetry ${name}`, () => {
    test('what is counted adds up, by its name and its attributes', async () => {
      const { telemetry, counted } = make();
      telemetry.count('published', 2, { outcome: 'success' });
      telemetry.count('published', 3, { outcome: 'success' });
      telemetry.count('published', 1, { outcome: 'failure' });
      telemetry.count('dropped', 4);
      expect(await counted('godwit.published')).toEqual([
        { value: 5, attributes: { 'godwit.outcome': 'success' } },
        { value: 1, attributes: { 'godwit.outcome': 'failure' } },
      ]);
      expect(await counted('godwit.dropped')).toEqual([{ value: 4, attributes: {} }]);
    });

    test('the prefix stands before every name: of instruments, spans and attributes', async () => {
      const { telemetry, counted, timed, observed, spans } = make({ prefix: 'shop.' });
      telemetry.count('published', 1, { 'event.type': 'order.paid' });
      telemetry.record('publish.duration', 1, { 'event.type': 'order.paid' });
      telemetry.gauge('dead', () => [{ value: 1, attributes: { handler: 'send-receipt' } }]);
      telemetry.span({ name: 'publish', attributes: { 'event.type': 'order.paid' } }).end();
      const attributes = { 'shop.event.type': 'order.paid' };
      expect(await counted('shop.published')).toMatchObject([{ attributes }]);
      expect(await timed('shop.publish.duration')).toMatchObject([{ attributes }]);
      expect(await observed('shop.dead')).toEqual([{ value: 1, attributes: { 'shop.handler': 'send-receipt' } }]);
      expect(await spans()).toMatchObject([{ name: 'shop.publish', attributes }]);
      expect(await counted('godwit.published')).toEqual([]);
    });

    test('times add up; less than nothing is nothing, and what is no number is passed over', async () => {
      const { telemetry, timed } = make();
      telemetry.record('execute.duration', 0.25, { handler: 'a' });
      telemetry.record('execute.duration', -3, { handler: 'a' });
      telemetry.record('execute.duration', Number.NaN, { handler: 'a' });
      telemetry.record('execute.duration', Number.POSITIVE_INFINITY, { handler: 'a' });
      expect(await timed('godwit.execute.duration')).toEqual([
        { value: 0.25, count: 2, attributes: { 'godwit.handler': 'a' } },
      ]);
    });

    test('a gauge is asked when somebody looks, and never after its stop', async () => {
      const { telemetry, observed } = make();
      let asked = 0;
      const stop = telemetry.gauge('backlog', () => {
        asked += 1;
        return [
          { value: asked, attributes: { handler: 'a' } },
          { value: 10, attributes: { handler: 'b' } },
        ];
      });
      expect(asked).toBe(0);
      expect(await observed('godwit.backlog')).toEqual([
        { value: 1, attributes: { 'godwit.handler': 'a' } },
        { value: 10, attributes: { 'godwit.handler': 'b' } },
      ]);
      stop();
      stop();
      expect(await observed('godwit.backlog')).toEqual([]);
      expect(asked).toBe(1);
    });

    test('several may stand behind one gauge, and one that throws takes none of the others away', async () => {
      const { telemetry, observed } = make();
      const one = telemetry.gauge('pending', () => [{ value: 1, attributes: { channel: 'a' } }]);
      telemetry.gauge('pending', () => {
        throw new Error('mine alone');
      });
      telemetry.gauge('pending', () => [{ value: 2, attributes: { channel: 'b' } }]);
      expect(await observed('godwit.pending')).toHaveLength(2);
      one();
      expect(await observed('godwit.pending')).toEqual([{ value: 2, attributes: { 'godwit.channel': 'b' } }]);
    });

    test('a span says what it is, what it went through and how it failed, and ends once', async () => {
      const { telemetry, spans } = make();
      const span = telemetry.span({ name: 'append', attributes: { channel: 'board' } });
      span.set({ 'batch.size': 3, failure: undefined });
      expect(await spans()).toEqual([]);
      span.fail(new Error('the disk is full'));
      span.end();
      span.end();
      expect(await spans()).toMatchObject([
        {
          name: 'godwit.append',
          kind: 'server',
          attributes: { 'godwit.channel': 'board', 'godwit.batch.size': 3 },
          failure: 'the disk is full',
        },
      ]);
      telemetry.span({ name: 'process' }).end();
      expect((await spans())[1]).toMatchObject({ kind: 'internal', failure: undefined });
    });

    test('a span is a child of the one that is active, or of the traceparent given; with null it is a root', async () => {
      const { telemetry, spans } = make();
      const outer = telemetry.span({ name: 'process', parent: null });
      const answer = outer.run(() => {
        telemetry.span({ name: 'publish' }).end();
        telemetry.span({ name: 'handle', parent: null }).end();
        telemetry.span({ name: 'append', parent: theirs }).end();
        return 7;
      });
      expect(answer).toBe(7);
      telemetry.span({ name: 'publish' }).end();
      outer.end();
      const [child, root, foreign, after, parent] = await spans();
      expect(child).toMatchObject({ traceId: parent?.traceId, parentSpanId: parent?.spanId });
      expect(root?.parentSpanId).toBeUndefined();
      expect(root?.traceId).not.toBe(parent?.traceId);
      expect(foreign).toMatchObject({
        traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
        parentSpanId: '00f067aa0ba902b7',
      });
      expect(after?.parentSpanId).toBeUndefined();
      expect(parent?.parentSpanId).toBeUndefined();
    });

    test('a span names itself as a traceparent, by which others link it; what is none is passed over', async () => {
      const { telemetry, spans } = make();
      const published = telemetry.span({ name: 'publish' });
      published.end();
      const strange: unknown = 7;
      const malformed = [
        undefined,
        strange as string,
        '',
        'yes',
        theirs.toUpperCase(),
        `${theirs}-more`,
        theirs.replace('00-', 'ff-'),
        '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
        '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01',
      ];
      telemetry.span({ name: 'append', links: [published.traceparent, ...malformed, others] }).end();
      telemetry.span({ name: 'handle', parent: 'nonsense' }).end();
      const [first, append, handle] = await spans();
      expect(parseTraceparent(published.traceparent)).toMatchObject({ traceId: first?.traceId, spanId: first?.spanId });
      expect(append?.links).toMatchObject([
        { traceId: first?.traceId, spanId: first?.spanId },
        { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' },
      ]);
      expect(handle?.parentSpanId).toBeUndefined();
    });

    test('work that is watched is counted, timed and followed once it is done, and its answer comes through', async () => {
      const { telemetry, counted, timed, spans } = make();
      const { promise, resolve } = Promise.withResolvers<string>();
      const answer = telemetry.watch(watched, (span) => {
        expect(parseTraceparent(span.traceparent)).toBeDefined();
        telemetry.span({ name: 'publish' }).end();
        return promise;
      });
      expect(await counted('godwit.executions')).toEqual([]);
      expect(await spans()).toHaveLength(1);
      resolve('done');
      expect(await answer).toBe('done');
      expect(telemetry.watch(watched, () => 7)).toBe(7);
      const attributes = {
        'godwit.handler': 'send-receipt',
        'godwit.event.type': 'order.paid',
        'godwit.outcome': 'success',
        'godwit.error': false,
      };
      expect(await counted('godwit.executions')).toEqual([{ value: 2, attributes }]);
      expect(await timed('godwit.execute.duration')).toMatchObject([{ count: 2, attributes }]);
      const [inner, span] = await spans();
      expect(inner?.parentSpanId).toBe(span?.spanId);
      expect(span).toMatchObject({
        kind: 'consumer',
        links: [{ spanId: '00f067aa0ba902b7' }, { spanId: 'b7ad6b7169203331' }],
        attributes: { ...attributes, 'godwit.event.id': '7', 'godwit.attempt': 2 },
      });
      expect(span?.parentSpanId).toBeUndefined();
    });

    test('work that throws or rejects counts too, with its failure, and fails as it would have failed', async () => {
      const { telemetry, counted, timed, spans } = make();
      const error = new TypeError('not a bird');
      expect(() => telemetry.watch(watched, () => thrower(error))).toThrow(error);
      await expect(telemetry.watch(watched, async () => Promise.reject(error))).rejects.toBe(error);
      const span = telemetry.span({ name: 'process' });
      expect(() => span.run(() => thrower(error))).toThrow(error);
      const attributes = { 'godwit.outcome': 'failure', 'godwit.error': true, 'godwit.failure': 'TypeError' };
      expect(await counted('godwit.executions')).toMatchObject([{ value: 2, attributes }]);
      expect(await timed('godwit.execute.duration')).toMatchObject([{ count: 2, attributes }]);
      expect(await spans()).toMatchObject([
        { failure: 'not a bird', attributes },
        { failure: 'not a bird', attributes },
      ]);
    });

    test('what is thrown may be anything', async () => {
      const { telemetry, counted } = make();
      for (const thrown of [undefined, null, 'text', Object.create(null), { name: 'mine' }]) {
        let caught: unknown = 'nothing';
        try {
          telemetry.watch(watched, () => thrower(thrown));
        } catch (error) {
          caught = error;
        }
        expect(caught).toBe(thrown);
      }
      expect(await counted('godwit.executions')).toMatchObject([
        { value: 5, attributes: { 'godwit.failure': 'Error' } },
      ]);
    });

    test('from publish to handle is timed by the time that the event says, where it says one', async () => {
      const { telemetry, timed } = make();
      telemetry.watch(at('2001-01-01T00:00:00Z'), () => undefined);
      telemetry.watch(at('2999-01-01T00:00:00Z'), () => undefined);
      telemetry.watch(at('soon'), () => undefined);
      telemetry.watch(watched, () => undefined);
      const [latency] = await timed('godwit.handle.latency');
      expect(latency).toMatchObject({ count: 2, attributes: { 'godwit.handler': 'send-receipt' } });
      // More than twenty years of the one, nothing of the other.
      expect(latency?.value).toBeGreaterThan(20 * 365 * 86_400);
      expect(latency?.value).toBeLessThan(998 * 365 * 86_400);
    });

    test('a backend of which every call throws harms nobody: work runs once, and its answer comes through', async () => {
      const { telemetry } = make({ broken: true });
      telemetry.count('published', 1);
      telemetry.record('publish.duration', 1);
      telemetry.gauge('dead', () => [{ value: 1 }])();
      const span = telemetry.span({ name: 'publish', links: [theirs], attributes: { channel: 'board' } });
      span.set({ channel: 'board' });
      span.fail(new Error('bad luck'));
      let runs = 0;
      expect(span.run(() => (runs += 1))).toBe(1);
      expect(() => span.run(() => thrower(new Error('mine')))).toThrow('mine');
      span.end();
      expect(telemetry.watch(at('2001-01-01T00:00:00Z'), () => (runs += 1))).toBe(2);
      await expect(telemetry.watch(watched, async () => thrower(new Error('mine')))).rejects.toThrow('mine');
      expect(runs).toBe(2);
    });
  });
}

function at(time: string): Watched {
  return { ...watched, event: { specversion: '1.0', id: '7', source: '/alice', type: 'order.paid', time } };
}

function thrower(error: unknown): never {
  throw error;
}
