// Webhooks: registered, listed, changed and forgotten, each under the right to manage its channel.
import type { Context, Handler, Hono } from 'hono';
import { compilePattern, Failure } from '@godwit/core';
import { assertChannel, parsePosition } from '@godwit/core/protocol';
import { decodeJson, readBody } from '../body.ts';
import { numberOf, saidIn } from '../query.ts';
import { assertSecret } from '../webhooks/sign.ts';
import type { WebhookRequest, Webhooks } from '../webhooks/types.ts';
import type { RelayParts } from './parts.ts';

/** A hundred of the longest patterns, a URL and a secret are less. */
const bodyBytesMax = 64 * 1024;
/** As of `?type=`. */
const typesMax = 100;
const typeLengthMax = 256;
const letterPageMax = 1000;
const letterPageByDefault = 100;

type Part = 'channel' | 'id' | 'letter';
/** Its part of the path, or the empty text. */
type PartOf = (part: Part) => string;

/** The paths, beside the app that they are added to (rule 7). */
export function addWebhooks(app: Hono, parts: RelayParts, refuseOthers: (allow: string) => Handler): void {
  const { authority, webhooks } = parts;
  const base = '/v1/channels/:channel/webhooks';
  const one = `${base}/:id`;
  const on = (
    method: 'get' | 'post' | 'delete',
    path: string,
    work: (its: Webhooks, part: PartOf, context: Context) => Promise<Response>,
  ): void => {
    app.on(method.toUpperCase(), path, async (context: Context) => {
      const part: PartOf = (name) => context.req.param(name) ?? '';
      await authority(context.req.raw, 'manage', assertChannel(part('channel')));
      if (webhooks === undefined) {
        throw new Failure('Unsupported', 'this relay was put together without webhooks; its host has to bring them');
      }
      return work(webhooks, part, context);
    });
  };

  on('post', base, async (its, part, context) => {
    const made = await its.register(channelOf(part), await requestOf(context.req.raw));
    return json(made, 201, { location: `/v1/channels/${channelOf(part)}/webhooks/${made.id}` });
  });
  on('get', base, async (its, part) => json({ webhooks: await its.list(channelOf(part)) }));
  on('get', one, async (its, part) => json(await its.get(channelOf(part), part('id'))));
  on('delete', one, async (its, part) => {
    await its.remove(channelOf(part), part('id'));
    return new Response(null, { status: 204 });
  });
  on('post', `${one}/rotate`, async (its, part, context) => {
    const { secret } = await objectOf(context.req.raw);
    return json(await its.rotate(channelOf(part), part('id'), secretIn(secret)));
  });
  on('post', `${one}/enable`, async (its, part) => json(await its.enable(channelOf(part), part('id'))));
  const dead = `${one}/dead`;
  const letter = `${dead}/:letter`;
  on('get', dead, async (its, part, context) => {
    const query = new URL(context.req.url).searchParams;
    const bounds = { min: 1, max: letterPageMax, byDefault: letterPageByDefault, isWhole: true };
    const page = { after: saidIn(query, 'after'), limit: numberOf(query, 'limit', bounds) };
    return json(await its.dead(channelOf(part), part('id'), page));
  });
  on('delete', dead, async (its, part) => change(its, part, 'discard'));
  on('delete', letter, async (its, part) => change(its, part, 'discard', part('letter')));
  on('post', `${letter}/retry`, async (its, part) => change(its, part, 'retry', part('letter')));
  // `dead/retry` comes as a letter of this name: beside that of a letter, a path of its own would be more than Hono's fast router takes,
  // and each post of an event would be looked up by the slow one.
  app.post(letter, (context, next) => (isAll(context) ? next() : refuseOthers('DELETE')(context, next)));
  on('post', letter, async (its, part) => change(its, part, 'retry'));
  app.all(letter, (context, next) => refuseOthers(isAll(context) ? 'POST' : 'DELETE')(context, next));
  for (const [path, allow] of [
    [base, 'GET, HEAD, POST'],
    [one, 'GET, HEAD, DELETE'],
    [`${one}/rotate`, 'POST'],
    [`${one}/enable`, 'POST'],
    [dead, 'GET, HEAD, DELETE'],
    [`${letter}/retry`, 'POST'],
  ] as const) {
    app.all(path, refuseOthers(allow));
  }
}

function channelOf(part: PartOf): string {
  return part('channel');
}

async function change(its: Webhooks, part: PartOf, how: 'retry' | 'discard', letter?: string): Promise<Response> {
  return json({ changed: await its.change(channelOf(part), part('id'), how, letter) });
}

function isAll({ req }: Context): boolean {
  return req.param('letter') === 'retry';
}

async function requestOf(request: Request): Promise<WebhookRequest> {
  const { url, types = [], secret, after = 'latest' } = await objectOf(request);
  if (typeof url !== 'string') throw invalid('`url` is text: where events are to be sent');
  if (!Array.isArray(types) || !types.every((type) => typeof type === 'string')) {
    throw invalid('`types` is a list of patterns over event types, as ["order.*"]');
  }
  if (types.length > typesMax || types.some((type) => type.length > typeLengthMax)) {
    throw invalid(`\`types\` has at most ${typesMax} patterns of at most ${typeLengthMax} characters`);
  }
  for (const type of types) compilePattern(type);
  if (typeof after !== 'string') throw invalid('`after` is an offset, "earliest" or "latest"');
  parsePosition(after);
  return { url, types, secret: secretIn(secret), after };
}

/** No body is an empty one. */
async function objectOf(request: Request): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await readBody(request, bodyBytesMax);
  const value = bytes.byteLength === 0 ? {} : asRequest(() => decodeJson(bytes).value);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw invalid('the body is a JSON object, as {"url":"https://example.com/hook"}');
}

function secretIn(secret: unknown): string | undefined {
  if (secret === undefined) return undefined;
  return assertSecret(typeof secret === 'string' ? secret : '');
}

/** What is wrong with this body is not wrong with an event. */
function asRequest<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw new Failure('InvalidRequest', error instanceof Error ? error.message : '', { cause: error });
  }
}

function json(value: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return Response.json(value, { status, headers: { 'cache-control': 'no-store', ...headers } });
}

function invalid(message: string): Failure {
  return new Failure('InvalidRequest', message);
}
