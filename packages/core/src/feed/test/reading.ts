// For the feed's tests: events, a relay's channel in memory, and a reader that takes frames one by one.
import type { CloudEvent } from '../../event/cloudevent.ts';
import { createMemoryLogs } from '../../memory/log.ts';
import type { Failure } from '../../failure.ts';
import type { Logs } from '../../ports/log.ts';
import { decodeFrame, type Frame } from '../../protocol/frames.ts';
import { defaultLimits, type Limits } from '../../protocol/limits.ts';
import { createTestWorld, type TestWorld } from '../../testing/world.ts';
import type { AppendItem, Channel } from '../channel.ts';
import { createFeed, type Feed } from '../feed.ts';
import type { StreamQuery } from '../query.ts';

/** An event of alice's. */
export function eventOf(id: string, more: Partial<CloudEvent> = {}): CloudEvent {
  return { specversion: '1.0', id, source: '/alice', type: 'todo.added', ...more };
}

/** Items to append. */
export function items(...events: readonly CloudEvent[]): readonly AppendItem[] {
  return events.map((event) => ({ event }));
}

/** Numbers from `from` to `to`. */
export function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** A channel under test. */
export interface FeedWorld {
  readonly feed: Feed;
  readonly logs: Logs;
  readonly world: TestWorld;
  readonly reported: Failure[];
  /** Opens a reader; it has had the `connected` frame. */
  read(query?: Partial<StreamQuery>): Promise<Reader>;
}

/** Makes a channel on a memory log. */
export function createFeedWorld(
  limits: Partial<Limits> = {},
  logsOf: (logs: Logs) => Logs = (logs) => logs,
  options: { readonly trimsByAge?: boolean } = {},
): FeedWorld {
  const world = createTestWorld();
  const logs = logsOf(createMemoryLogs(world));
  const reported: Failure[] = [];
  const feed = createFeed({
    channel: 'room:1',
    open: () => logs.open('room:1'),
    remove: () => logs.remove('room:1'),
    world,
    limits: { ...defaultLimits, ...limits },
    report: (failure) => reported.push(failure),
    ...options,
  });
  return { feed, logs, world, reported, read: (query) => readFrom(feed, query, world) };
}

/** A frame, its `id:` line, and nothing else; a heartbeat has no kind of its own in the stream, so it is told apart here. */
export interface Seen {
  readonly id: string | undefined;
  readonly frame: Frame;
}

/** Takes a stream's frames one by one. */
export interface Reader {
  next(): Promise<Seen>;
  take(count: number): Promise<readonly Seen[]>;
  /** The ids of the next `count` events; anything else in between fails. */
  ids(count: number): Promise<readonly string[]>;
  /** Resolves when the stream has ended, with whatever was left. */
  rest(): Promise<readonly Seen[]>;
  cancel(): Promise<void>;
  /** The `connected` frame. */
  readonly connected: Extract<Frame, { kind: 'connected' }>;
}

/** Opens a stream of a channel, `latest` unless the query says otherwise. */
export async function readFrom(channel: Channel, query: Partial<StreamQuery> = {}, world?: TestWorld): Promise<Reader> {
  const stream = await channel.stream({ after: 'latest', types: [], heartbeat: true, ...query });
  return readerOf(stream, world);
}

/** Reads a stream of frames. With a world, it gives it the turns that a long replay takes. */
export async function readerOf(stream: ReadableStream<Uint8Array>, world?: TestWorld): Promise<Reader> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = '';

  const more = async (): Promise<Seen | undefined> => {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end >= 0) {
        const block = text.slice(0, end);
        text = text.slice(end + 2);
        return seen(block);
      }
      const reading = reader.read();
      await world?.advance(0);
      const { done, value } = await reading;
      if (done) return undefined;
      text += decoder.decode(value, { stream: true });
    }
  };
  const next = async (): Promise<Seen> => {
    const found = await more();
    if (found === undefined) throw new Error('the stream has ended');
    return found;
  };
  const take = async (count: number): Promise<readonly Seen[]> => {
    const taken: Seen[] = [];
    while (taken.length < count) taken.push(await next());
    return taken;
  };
  const { frame } = await next();
  if (frame.kind !== 'connected') throw new Error(`the first frame is ${frame.kind}`);

  return {
    connected: frame,
    next,
    take,
    async ids(count) {
      return (await take(count)).map(({ frame }) => (frame.kind === 'event' ? frame.event.id : `(${frame.kind})`));
    },
    async rest() {
      const left: Seen[] = [];
      for (let found = await more(); found !== undefined; found = await more()) left.push(found);
      return left;
    },
    cancel: () => reader.cancel(),
  };
}

function seen(block: string): Seen {
  const lines = block.split('\n').filter((line) => !line.startsWith(':'));
  const valueOf = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  const [id, event, data] = [valueOf('id'), valueOf('event'), valueOf('data')];
  if (data === undefined) return { id, frame: { kind: 'heartbeat' } };
  const frame = decodeFrame({ id, event, data });
  if (frame === undefined) throw new Error(`unknown frame ${block}`);
  return { id, frame };
}
