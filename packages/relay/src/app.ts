// The relay's app: PROTOCOL.md as routes. The same on Node and on Workers; only what it stands on differs.
import { Hono, type Handler } from 'hono';
import { Failure, guarded, isFailure, toFailure, type Hearers } from '@godwit/core';
import { mediaTypes } from '@godwit/core/protocol';
import { rated } from './authority/rate.ts';
import { cors, type Origins } from './cors.ts';
import { isOurFault, methodNotAllowed, problemResponse } from './problem.ts';
import { backUp } from './routes/backup.ts';
import { presence, remove, stat } from './routes/channel.ts';
import { healthz, metrics, readyz, stats } from './routes/operation.ts';
import type { RelayParts } from './routes/parts.ts';
import { createPost, publish, type Post } from './routes/publish.ts';
import { read } from './routes/read.ts';
import { socket } from './routes/socket.ts';
import { overloadResponse } from './routes/sse.ts';
import { stream } from './routes/stream.ts';
import { addWebhooks } from './routes/webhooks.ts';

/** What a relay's app is made of. `logger` and `report` hear what goes wrong on the relay's side. */
export interface AppOptions extends RelayParts, Hearers {
  /** This release, as `/healthz` and `/metrics` tell it. */
  readonly version: string;
  /** Pages of which origins may use it; none of others unless said. */
  readonly cors?: Origins;
  /** Rejects while the relay cannot serve. */
  readonly ready?: () => Promise<void>;
}

/** An app, and what of it a platform may call by itself. */
export interface App {
  readonly app: Hono;
  /** Answers a post that no page of another origin has sent: as the app does, without the way through its routes. */
  readonly post: Post;
}

/** Makes the app. */
export function createApp(given: AppOptions): Hono {
  return openApp(given).app;
}

/** The same, and its way for posts. */
export function openApp(given: AppOptions): App {
  const { version, cors: origins = [], ready = async () => undefined, world, limits } = given;
  const options = { ...given, authority: rated(given.authority, limits.requestsPerSecondMax, world) };
  const report = guarded(options);
  const app = new Hono();
  app.use(cors(origins));
  app.onError((error, context) => refuse(error, context.req.raw));
  app.notFound((context) => {
    return problemResponse(
      new Failure('NotFound', `there is nothing at ${context.req.path}; PROTOCOL.md lists what is`),
    );
  });

  const post = createPost(options);
  app.post('/v1/channels/:channel/events', publish(post));
  app.get('/v1/channels/:channel/events', read(options));
  app.all('/v1/channels/:channel/events', refuseOthers('GET, HEAD, POST'));
  app.get('/v1/channels/:channel/presence', presence(options));
  app.all('/v1/channels/:channel/presence', refuseOthers('GET, HEAD'));
  app.get('/v1/channels/:channel/socket', socket(options, { origins, report }));
  app.all('/v1/channels/:channel/socket', refuseOthers('GET, HEAD'));
  app.get('/v1/channels/:channel', stat(options));
  app.delete('/v1/channels/:channel', remove(options));
  app.all('/v1/channels/:channel', refuseOthers('GET, HEAD, DELETE'));
  addWebhooks(app, options, refuseOthers);
  app.get('/v1/events', stream(options));
  app.get('/v1/stats', stats(options));
  app.get('/v1/backup', backUp(options));
  app.get('/metrics', metrics(options, version));
  app.get('/healthz', healthz(version));
  app.get('/readyz', readyz(ready));
  for (const path of ['/v1/events', '/v1/stats', '/v1/backup', '/metrics', '/healthz', '/readyz']) {
    app.all(path, refuseOthers('GET, HEAD'));
  }
  return {
    app,
    post: (request, channel, read) => post(request, channel, read).catch((error: unknown) => refuse(error, request)),
  };

  function refuse(error: unknown, { method, headers }: Request): Response {
    const failure = toFailure(error);
    if (isOurFault(failure)) report(failure);
    // At any other status than 200, a native EventSource gives up for good (rule 2.12).
    const isStream = method === 'GET' && headers.get('accept')?.includes(mediaTypes.stream) === true;
    if (isStream && isFailure(failure, 'RateLimited')) return overloadResponse(failure);
    return problemResponse(failure);
  }
}

function refuseOthers(allow: string): Handler {
  return (context) => methodNotAllowed(context.req.method, context.req.path, allow);
}
