// What every Link keeps, to a relay in the same process or over a network.
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { CloudEvent } from '../event/cloudevent.ts';
import type { Link } from '../ports/link.ts';
import type { Frame } from '../protocol/frames.ts';
import { formatOffset } from '../protocol/offset.ts';
import type { AppendResult } from '../protocol/results.ts';

/** A relay notices that a reader has gone when its platform has time to say so. */
const patience = { timeout: 20_000 };

/** A relay that is empty, and a way to it. */
export interface LinkRelay {
  readonly link: Link;
  /** How many read a channel, as the relay counts them. */
  subscribers(channel: string): Promise<number>;
  /** Ends the relay. Doing it twice is doing it once. */
  stop(): Promise<void>;
}

type EventFrame = Extract<Frame, { kind: 'event' }>;

/** The law of `Link`. */
export function linkContract(name: string, make: () => LinkRelay | Promise<LinkRelay>): void {
  describe(`the link ${name}`, () => {
    describe('push', () => {
      test('every event has its result, in the order given, and offsets grow', async () => {
        const { link } = await opened();
        const results = await push(link, 'room', [event('1'), event('2'), event('3')]);
        expect(results).toMatchObject(['1', '2', '3'].map((id) => ({ id, status: 'appended' })));
        const offsets = offsetsOf(results);
        expect(offsets).toEqual(offsets.toSorted());
        expect(new Set(offsets).size).toBe(3);
      });

      test('what is pushed again is a duplicate, and answers the first offset', async () => {
        const { link } = await opened();
        const first = await push(link, 'room', [event('1'), event('2')]);
        const again = await push(link, 'room', [event('2'), event('3'), event('3')]);
        expect(again.map(({ status }) => status)).toEqual(['duplicate', 'appended', 'duplicate']);
        expect(offsetsOf(again)[0]).toBe(offsetsOf(first)[1]);
      });

      test('one event that is refused does not stop its neighbours', async () => {
        const { link } = await opened();
        const results = await push(link, 'room', [event('1'), { ...event('2'), time: 'yesterday' }, event('3')]);
        expect(results).toMatchObject([
          { id: '1', status: 'appended' },
          { id: '2', status: 'refused', failure: { name: 'InvalidEvent' } },
          { id: '3', status: 'appended' },
        ]);
      });

      test('a channel that cannot be one is refused by name', async () => {
        const { link } = await opened();
        await expect(push(link, 'no spaces', [event('1')])).rejects.toMatchObject({ name: 'InvalidChannel' });
      });

      test('a push that is aborted, before or meanwhile, rejects', async () => {
        const { link } = await opened();
        await expect(link.push('room', [event('1')], AbortSignal.abort())).rejects.toThrow(Error);
        const aborting = new AbortController();
        const pushed = link.push('room', [event('1')], aborting.signal);
        aborting.abort();
        await expect(pushed).rejects.toThrow(Error);
      });
    });

    describe('pull', () => {
      test('reading begins with where the channel stands, then come its events in order', async () => {
        const { link } = await opened();
        const results = await push(link, 'room', [event('1'), event('2')]);
        const reader = read(link, { room: 'earliest' });
        const connected = await reader.next();
        expect(connected).toMatchObject({ kind: 'connected', channel: 'room', head: offsetsOf(results)[1] });
        await push(link, 'room', [event('3')]);
        const frames = await reader.events(3);
        expect(frames.map(({ event: { id }, channel }) => [id, channel])).toEqual([
          ['1', 'room'],
          ['2', 'room'],
          ['3', 'room'],
        ]);
        expect(frames.slice(0, 2).map(({ offset }) => offset)).toEqual(offsetsOf(results));
        expect(frames.every(({ size }) => size > 0)).toBe(true);
      });

      test('whoever reads behind an offset gets what came after it', async () => {
        const { link } = await opened();
        const [, second = ''] = offsetsOf(await push(link, 'room', [event('1'), event('2'), event('3')]));
        const reader = read(link, { room: second });
        expect(await reader.next()).toMatchObject({ kind: 'connected', position: second });
        await push(link, 'room', [event('4')]);
        expect((await reader.events(2)).map(({ event: { id } }) => id)).toEqual(['3', '4']);
      });

      test('whoever reads from the latest gets only what comes', async () => {
        const { link } = await opened();
        await push(link, 'room', [event('1')]);
        const reader = read(link, { room: 'latest' });
        expect(await reader.next()).toMatchObject({ kind: 'connected' });
        await push(link, 'room', [event('2')]);
        expect((await reader.events(1)).map(({ event: { id } }) => id)).toEqual(['2']);
      });

      test('many channels come on one connection, each from its own position', async () => {
        const { link } = await opened();
        await push(link, 'a', [event('a1')]);
        const [first = ''] = offsetsOf(await push(link, 'b', [event('b1'), event('b2')]));
        const reader = read(link, { a: 'latest', b: first, 'c:~.-_': 'earliest' });
        const connected = [await reader.next(), await reader.next(), await reader.next()].filter(
          ({ kind }) => kind === 'connected',
        );
        // `b` may show its event before the last channel is connected.
        expect(connected.length).toBeGreaterThanOrEqual(2);
        await push(link, 'a', [event('a2')]);
        await push(link, 'c:~.-_', [event('c1')]);
        const seen = reader.seenEvents();
        const frames = [...seen, ...(await reader.events(3 - seen.length))];
        expect(frames.map(({ event: { id }, channel }) => `${channel} ${id}`).toSorted()).toEqual([
          'a a2',
          'b b2',
          'c:~.-_ c1',
        ]);
      });

      test('an offset that the log never gave is a gap, and reading goes on from the earliest', async () => {
        const { link } = await opened();
        await push(link, 'room', [event('1')]);
        const foreign = formatOffset('an-epoch-of-long-ago', 1);
        const reader = read(link, { room: foreign });
        const gap = await reader.until((frame) => frame.kind === 'gap');
        expect(gap).toMatchObject({ kind: 'gap', channel: 'room', missed: null, reason: 'epoch' });
        expect((await reader.events(1)).map(({ event: { id } }) => id)).toEqual(['1']);
      });

      test('an offset that cannot be one is refused by name', async () => {
        const { link } = await opened();
        await expect(read(link, { room: 'not an offset' }).next()).rejects.toMatchObject({ name: 'InvalidOffset' });
      });

      test('payloads of any characters come back as they were', async () => {
        const { link } = await opened();
        const texts = [
          '\r',
          '\n',
          '\r\n\r\n',
          '\u0000',
          '\ufeff',
          '\ud800',
          '\u2028',
          'data: x\n\nid: y',
          'é\u{1f426}',
          '',
        ];
        const sent = texts.map((text, index) => event(`${index}`, { text, [text]: [text] }));
        await push(link, 'room', sent);
        const frames = await read(link, { room: 'earliest' }).events(sent.length);
        expect(frames.map(({ event: { data } }) => data)).toEqual(sent.map(({ data }) => data));
      });

      test('a thousand events come in order, each once, however they are grouped', async () => {
        const { link } = await opened();
        const ids = Array.from({ length: 1000 }, (_, index) => `${index}`);
        for (let from = 0; from < 1000; from += 250) {
          await push(
            link,
            'room',
            ids.slice(from, from + 250).map((id) => event(id, 'x'.repeat(100))),
          );
        }
        const frames = await read(link, { room: 'earliest' }).events(1000);
        expect(frames.map(({ event: { id } }) => id)).toEqual(ids);
        const offsets = frames.map(({ offset }) => offset ?? '');
        expect(offsets).toEqual(offsets.toSorted());
      });

      test('an ephemeral event is relayed to whoever is there, without an offset', async () => {
        const { link } = await opened();
        const reader = read(link, { room: 'latest' });
        await reader.next();
        const results = await push(link, 'room', [{ ...event('1'), ephemeral: true }]);
        expect(results).toEqual([{ id: '1', status: 'relayed' }]);
        const [frame] = await reader.events(1);
        expect(frame).toMatchObject({ offset: null, event: { id: '1', ephemeral: true } });
      });

      test('a consumer that stops reading leaves nothing behind at the relay', async () => {
        const { link, subscribers } = await opened();
        for await (const frames of link.pull(new Map([['room', 'latest']]), never())) {
          if (frames.length > 0) break;
        }
        await vi.waitFor(async () => expect(await subscribers('room')).toBe(0), patience);
      });

      test('aborting ends a reading that waits for news, and leaves nothing behind at the relay', async () => {
        const { link, subscribers } = await opened();
        const aborting = new AbortController();
        const reader = read(link, { room: 'latest' }, aborting.signal);
        await reader.next();
        await vi.waitFor(async () => expect(await subscribers('room')).toBe(1), patience);
        const ended = reader.end();
        aborting.abort();
        await ended;
        await vi.waitFor(async () => expect(await subscribers('room')).toBe(0), patience);
      });

      test('a signal that has aborted already reads nothing', async () => {
        const { link } = await opened();
        const seen = await read(link, { room: 'earliest' }, AbortSignal.abort()).end();
        expect(seen).toEqual([]);
      });
    });

    test('when the relay ends, readings end, and what is pushed then cannot reach it', async () => {
      const { link, stop } = await opened();
      const reader = read(link, { room: 'latest' });
      await reader.next();
      const ended = reader.end();
      await stop();
      await ended;
      await expect(push(link, 'room', [event('1')])).rejects.toMatchObject({ name: 'Unreachable' });
      await expect(read(link, { room: 'latest' }).next()).rejects.toMatchObject({ name: 'Unreachable' });
    });

    test('after the token is forgotten everything goes on', async () => {
      const { link } = await opened();
      link.renew();
      expect(await push(link, 'room', [event('1')])).toMatchObject([{ status: 'appended' }]);
    });
  });

  async function opened(): Promise<LinkRelay> {
    const relay = await make();
    onTestFinished(() => relay.stop());
    return relay;
  }
}

function event(id: string, data: unknown = null): CloudEvent {
  return { specversion: '1.0', id, source: 'urn:test:device', type: 'note.added', data };
}

function push(link: Link, channel: string, events: readonly CloudEvent[]): Promise<readonly AppendResult[]> {
  return link.push(channel, events, never());
}

function offsetsOf(results: readonly AppendResult[]): readonly string[] {
  return results.flatMap((result) => ('offset' in result ? [result.offset] : []));
}

function never(): AbortSignal {
  return new AbortController().signal;
}

/** Reads frame by frame. What is left open when a test ends is closed then. */
function read(
  link: Link,
  positions: Readonly<Record<string, string>>,
  signal: AbortSignal = never(),
): {
  next(): Promise<Frame>;
  until(fits: (frame: Frame) => boolean): Promise<Frame>;
  events(count: number): Promise<readonly EventFrame[]>;
  /** The events that `next` has answered so far. */
  seenEvents(): readonly EventFrame[];
  /** Resolves when the reading has ended, in whatever way, with what was left. */
  end(): Promise<readonly Frame[]>;
} {
  const ending = new AbortController();
  onTestFinished(() => ending.abort());
  const either = AbortSignal.any([signal, ending.signal]);
  const groups = link.pull(new Map(Object.entries(positions)), either)[Symbol.asyncIterator]();
  const waiting: Frame[] = [];
  const seen: Frame[] = [];

  return {
    next,
    async until(fits) {
      for (;;) {
        const frame = await next();
        if (fits(frame)) return frame;
      }
    },
    async events(count) {
      const events: EventFrame[] = [];
      while (events.length < count) {
        const frame = await next();
        if (frame.kind === 'event') events.push(frame);
      }
      return events;
    },
    seenEvents: () => seen.flatMap((frame) => (frame.kind === 'event' ? [frame] : [])),
    async end() {
      const left: Frame[] = [];
      try {
        for (;;) left.push(await next());
      } catch {
        return left;
      }
    },
  };

  /** The next frame that is no heartbeat. */
  async function next(): Promise<Frame> {
    for (;;) {
      const frame = waiting.shift();
      if (frame === undefined) {
        const { done, value } = await groups.next();
        if (done === true) throw new Error('the relay ended the stream');
        waiting.push(...value);
      } else if (frame.kind !== 'heartbeat') {
        seen.push(frame);
        return frame;
      }
    }
  }
}
