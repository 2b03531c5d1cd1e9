// What runs in a process of its own, to be killed there: `child.ts <part> <file> …`. It says what it has done, a line each.
import { writeSync } from 'node:fs';
import { defineEvents, failureToJson, payload, worldOf, type Step, type TaskRow } from '@godwit/core';
import { createRuntime, openSqliteStore } from '../../src/node/index.ts';

const [part = '', file = '', ...rest] = process.argv.slice(2);
const world = worldOf(globalThis);
const events = defineEvents({ 'burst.stored': payload<{ readonly burst: number; readonly size: number }>() });

const parts: Readonly<Record<string, () => Promise<void>>> = { open, publish, advance, idle, listen };
await parts[part]?.();

/** Opens the file and keeps it; or says why it cannot. */
async function open(): Promise<void> {
  try {
    const store = openSqliteStore({ file, world, durability: 'os' });
    say(`open ${(await store.state()).deviceId}`);
    setInterval(() => undefined, 60_000);
  } catch (error) {
    say(`refused ${JSON.stringify(failureToJson(error, { stack: false }))}`);
  }
}

/** Publishes one burst after the other, from this number on, and says each that is stored. It never stops. */
async function publish(): Promise<void> {
  const [durability = 'fsync', from = '0'] = rest;
  say('opening');
  const runtime = await createRuntime({ file, durability: durability === 'os' ? 'os' : 'fsync', events });
  for (let burst = Number(from); ; burst += 1) {
    // From one event to hundreds, of many channels, so that one commit has many rows to write.
    const size = 1 + ((burst * 97) % 300);
    const publishes = Array.from({ length: size }, (_, index) =>
      runtime.publish('burst.stored', { burst, size }, { channel: `channel-${index % 100}` }),
    );
    await Promise.all(publishes);
    say(`stored ${burst}`);
  }
}

/** Takes a handler's steps one after the other, each of which changes many rows, and says each that is committed. */
async function advance(): Promise<void> {
  say('opening');
  const store = openSqliteStore({ file, world, durability: 'os' });
  const lease = await store.lease({ handler: 'sum', tab: world.id(), at: 0, start: 0 });
  // The last owner died with its lease, and is taken over from as it was seen.
  const mine = await store.lease({
    handler: 'sum',
    tab: 'mine',
    at: 0,
    over: { term: lease?.term ?? 0, beat: lease?.beat ?? 0 },
  });
  for (let beat = mine?.beat ?? 0; ; beat += 1) {
    const step: Step = {
      handler: 'sum',
      term: mine?.term ?? 0,
      at: beat,
      cursor: beat,
      claimed: beat,
      ended: [],
      put: Array.from({ length: 50 }, (_, index) => row((beat * 50 + index * 7) % 400, beat)),
      remove: Array.from({ length: 20 }, (_, index) => (beat * 31 + index * 3) % 400),
      unblock: ['a', 'b'],
      queue: [],
      claim: 10,
      totals: { passed: 1, handled: 0, failed: 0, dropped: {} },
      release: false,
    };
    if ((await store.advance(step)) === 'fenced') throw new Error('the step was fenced');
    say(`advanced ${beat + 1}`);
  }
}

/** A runtime that nobody closes, and that has nothing to do. */
async function idle(): Promise<void> {
  const runtime = await createRuntime({ file, events });
  runtime.on('burst.stored', ({ data }) => say(`heard ${data.burst}`));
  await runtime.publish('burst.stored', { burst: 1, size: 1 });
}

/** A runtime that listens to a relay until it is told to stop. */
async function listen(): Promise<void> {
  const [relay = ''] = rest;
  const runtime = await createRuntime({ file, events, relay, channels: ['board'] });
  runtime.on('burst.stored', ({ data }) => say(`heard ${data.burst}`));
  process.once('SIGTERM', () => void runtime.close());
  say('listening');
}

function row(position: number, at: number): TaskRow {
  const states = ['waiting', 'blocked', 'dead', 'deferred'] as const;
  return {
    handler: 'sum',
    position,
    state: states[position % states.length] ?? 'waiting',
    channel: 'board',
    event: { specversion: '1.0', id: `${position}`, source: 'urn:test:device', type: 'burst.stored' },
    offset: null,
    attempts: 0,
    key: position % 3 === 0 ? 'a' : 'b',
    at,
    delayMs: 0,
    failure: null,
  };
}

/** Returns once the line is with the system. What `process.stdout` takes while the pipe is full would die with the process. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}
