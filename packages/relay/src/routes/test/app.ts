// For the routes' tests: the relay's app in this process, on memory logs, in a world whose time the test moves.
import type { Hono } from 'hono';
import { createMemoryLogs, Failure, type Logs } from '@godwit/core';
import { createChannels, type ServedChannels } from '@godwit/core/feed';
import { defaultLimits } from '@godwit/core/protocol';
import { createTestWorld, type TestWorld } from '@godwit/core/testing';
import { createApp, type AppOptions } from '../../app.ts';
import type { Authority } from '../../authority/authority.ts';
import { readFrames, type FrameReader } from '../../testing/frames.ts';

/** An app under test. */
export interface AppUnderTest {
  readonly world: TestWorld;
  readonly channels: ServedChannels;
  readonly app: Pick<Hono, 'request' | 'router'>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** Opens a stream. */
  open(path: string): Promise<FrameReader>;
  /** Appends an event to each of the channels. */
  publish(names: readonly string[], type?: string): Promise<void>;
}

/** Who may do what in a test: whatever is not refused, until then. */
export interface Grants {
  readonly until?: (world: TestWorld) => number;
  readonly refuses?: (channel: string) => boolean;
}

function report(failure: Failure): void {
  throw failure;
}

/** Makes an app. `change` stands between its channels and its logs. */
export function createTestApp(
  grants: Grants = {},
  change: (logs: Logs) => Logs = (logs) => logs,
  more: Partial<AppOptions> = {},
): AppUnderTest {
  const world = createTestWorld();
  const limits = defaultLimits;
  const until = grants.until?.(world);
  const authority: Authority = async (_, action, channel) => {
    if (grants.refuses?.(channel) === true) throw new Failure('Forbidden', `no ${action} on ${channel}`);
    return until === undefined ? {} : { until };
  };
  const channels = createChannels({ logs: change(createMemoryLogs(world)), world, limits, report });
  const app = createApp({ channels, authority, limits, world, report, version: 'test', ...more });
  const get = async (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    app.request(path, { headers });
  let published = 0;
  return {
    world,
    channels,
    app,
    get,
    open: async (path) => readFrames(await get(path, { accept: 'text/event-stream' })),
    async publish(names, type = 'todo.added') {
      for (const name of names) {
        const event = { specversion: '1.0', id: String((published += 1)), source: '/alice', type } as const;
        await channels.channel(name).append([{ event }]);
      }
    },
  };
}
