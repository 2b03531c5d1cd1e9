// Which requests are answered without a look at the routes.
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { postOnNode } from './posts.ts';

const here = 'http://relay.example:8787/v1/channels';

function wayOf(method: string, url: string, headers: Record<string, string> = {}): string {
  let way = 'routes';
  const post = postOnNode(async (_, channel) => {
    way = channel;
    return new Response();
  });
  void post(new Request(url, { method, headers }), new IncomingMessage(new Socket()));
  return way;
}

test.each([
  ['POST', `${here}/room:7/events`, 'room:7'],
  ['POST', `${here}/${'x'.repeat(129)}/events`, 'x'.repeat(129)],
  ['GET', `${here}/room/events`, 'routes'],
  ['POST', `${here}/room/events?x`, 'routes'],
  ['POST', `${here}/room%3A7/events`, 'routes'],
  ['POST', `${here}/room/events/`, 'routes'],
  ['POST', `${here}//events`, 'routes'],
  ['POST', `${here}/a/b/events`, 'routes'],
  ['POST', `${here}/room/webhooks`, 'routes'],
  ['POST', `http://relay.example/x/v1/channels/room/events`, 'routes'],
])('%s %s goes by %s', (method, url, way) => {
  expect(wayOf(method, url)).toBe(way);
});

test('a page of another origin is answered by the app, which says whether it may read the answer', () => {
  expect(wayOf('POST', `${here}/room/events`, { origin: 'https://app.example' })).toBe('routes');
});
