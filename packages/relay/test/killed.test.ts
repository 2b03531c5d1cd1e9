// Killed at any moment, the relay starts again by itself, with all that it had acknowledged.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventOf } from '../src/testing/index.ts';
import { runRelay } from './command.ts';
import { folder } from './relay.ts';

/** Each is a process to start; the moments differ with every run, and are told when one fails. */
const rounds = 4;

test('killed at random moments while it appends, trims, removes, copies and sends, it has all that it acknowledged', async () => {
  const data = await folder();
  const acknowledged = new Map<string, string>();
  const moments: number[] = [];
  let next = 0;
  for (let round = 0; round < rounds; round += 1) {
    const relay = runRelay(
      '--port',
      '0',
      '--data',
      data,
      '--insecure',
      '--retention',
      'noise=100',
      '--allow-private-webhooks',
    );
    const url = await relay.ready;
    const goal = acknowledged.size + 1 + Math.floor(Math.random() * 60);
    moments.push(goal);
    const call = (method: string, path: string, body?: object): Promise<Response> =>
      fetch(`${url}/v1/${path}`, {
        method,
        headers: { 'content-type': 'application/cloudevents+json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    // Nobody answers there: its rows come and go meanwhile.
    await call('POST', 'channels/kept/webhooks', { url: 'http://127.0.0.1:1/' });
    const publisher = async (): Promise<void> => {
      for (;;) {
        const id = String((next += 1));
        const { results } = (await (await call('POST', 'channels/kept/events', eventOf(id))).json()) as {
          readonly results: readonly { readonly offset: string }[];
        };
        acknowledged.set(id, results[0]?.offset ?? '');
        if (acknowledged.size >= goal) relay.child.kill('SIGKILL');
      }
    };
    const noise = async (): Promise<void> => {
      for (let at = 0; ; at += 1) {
        await call('POST', 'channels/noise/events', eventOf(`${round}.${at}`));
        if (at % 20 === 0) await call('DELETE', 'channels/noise');
      }
    };
    const copies = async (): Promise<void> => {
      for (;;) await (await call('GET', 'backup')).bytes();
    };
    await Promise.allSettled([publisher(), publisher(), publisher(), noise(), copies()]);
    expect(await relay.ended).toBe('SIGKILL');
  }
  const relay = runRelay('--port', '0', '--data', data, '--insecure', '--allow-private-webhooks');
  const url = await relay.ready;
  const stored = new Map<string, string>();
  for (let after = 'earliest', isMore = true; isMore;) {
    const page = await fetch(`${url}/v1/channels/kept/events?after=${after}`);
    const events = (await page.json()) as readonly { readonly id: string; readonly sequence: string }[];
    for (const { id, sequence } of events) stored.set(id, sequence);
    after = page.headers.get('godwit-next-offset') ?? '';
    isMore = page.headers.get('godwit-up-to-date') === 'false';
  }
  const sequences = [...stored.values()].map(Number);
  expect([moments, sequences]).toEqual([moments, sequences.map((_, index) => index + 1)]);
  for (const [id, offset] of acknowledged)
    expect([moments, id, offset.split('.')[1]]).toEqual([moments, id, stored.get(id)]);
  const hooks = (await (await fetch(`${url}/v1/channels/kept/webhooks`)).json()) as { readonly webhooks: unknown[] };
  expect([moments, hooks.webhooks.length]).toEqual([moments, rounds]);
});

test('killed while it makes its file, it makes it anew', async () => {
  const data = await folder();
  const file = join(data, 'godwit.sqlite');
  for (let round = 0; round < 3; round += 1) {
    const relay = runRelay('--port', '0', '--data', data, '--insecure');
    let looks = 0;
    const killer = setInterval(() => {
      // As soon as there is a file, or some moments behind that.
      if (existsSync(file) && (looks += 1) > round) relay.child.kill('SIGKILL');
    }, 1);
    await relay.ended;
    clearInterval(killer);
  }
  const relay = runRelay('--port', '0', '--data', data, '--insecure');
  expect((await fetch(`${await relay.ready}/readyz`)).status).toBe(200);
});
