import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createDice } from '@godwit/core/testing';
import { afterEach, expect, test } from 'vitest';
import { portOf } from './ports.ts';
import { startLine, type Line, type LineFault } from './proxy.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** A relay that says back what it hears, behind a line; and a device that is connected through it. */
async function echo(): Promise<{ readonly line: Line; readonly dial: () => Promise<Device> }> {
  const server = createServer((socket) => void socket.on('error', () => undefined).pipe(socket));
  const line = await startLine(
    await portOf(server),
    createDice(() => 0.5),
  );
  cleanups.push(async () => {
    await line.close();
    await new Promise((resolve) => server.close(resolve));
  });
  return { line, dial: () => dial(Number(new URL(line.url).port)) };
}

interface Device {
  readonly socket: Socket;
  /** Says it and resolves with what has come back once it has so many bytes. */
  says(text: string, bytes?: number): Promise<Buffer>;
  /** How the connection ended: by a reset, or in good order. */
  readonly ended: Promise<'reset' | 'closed'>;
  heard(): Buffer;
}

async function dial(port: number): Promise<Device> {
  const socket = connect(port, '127.0.0.1');
  let heard = Buffer.alloc(0);
  let look = (): void => undefined;
  let how: 'reset' | 'closed' = 'closed';
  socket.on('data', (bytes) => {
    heard = Buffer.concat([heard, bytes]);
    look();
  });
  socket.on('error', () => (how = 'reset'));
  const ended = new Promise<'reset' | 'closed'>((resolve) => socket.once('close', () => resolve(how)));
  // One that is refused may be reset before it knows that it is connected.
  await Promise.race([once(socket, 'connect').catch(() => undefined), ended]);
  return {
    socket,
    ended,
    heard: () => heard,
    says: (text, bytes = text.length) =>
      new Promise((resolve) => {
        look = () => {
          if (heard.length >= bytes) resolve(heard);
        };
        socket.write(text);
      }),
  };
}

test('a line that nothing happens to passes everything on, both ways, and ends with its ends', async () => {
  const { dial } = await echo();
  const device = await dial();
  const text = 'eleven thousand kilometres '.repeat(10_000);
  expect((await device.says(text)).toString()).toBe(text);
  device.socket.end();
  expect(await device.ended).toBe('closed');
});

test('a line that is cut resets what is open, and lets the next one through', async () => {
  const { line, dial } = await echo();
  const device = await dial();
  await device.says('before');
  line.strike('cut');
  expect(await device.ended).toBe('reset');
  expect((await (await dial()).says('after')).toString()).toBe('after');
});

test('of a piece that is halved one half arrives, and then the connection ends as if that were all', async () => {
  const { line, dial } = await echo();
  const device = await dial();
  await device.says('whole');
  line.strike('halved');
  device.socket.write('12345678');
  // The half that the relay got, it may have said back or not: the connection ends at once.
  expect(await device.ended).toBe('closed');
  expect(line.damaged).toBe(1);
  expect(['whole', 'whole1234']).toContain(device.heard().toString());
});

test('a piece that is corrupted arrives with bytes that no text has, as long as it was', async () => {
  const { line, dial } = await echo();
  const device = await dial();
  await device.says('sound');
  line.strike('corrupted');
  const heard = await device.says('1234567890', 'sound1234567890'.length);
  expect(heard).toHaveLength(15);
  expect([...heard].filter((byte) => byte === 0xff).length).toBeGreaterThan(0);
  expect((await device.says('again', 20)).subarray(15).toString()).toBe('again');
});

test.for<LineFault>(['silent', 'delayed'])(
  'what a line that is %s holds comes late, whole and in order',
  async (fault) => {
    const { line, dial } = await echo();
    const device = await dial();
    line.strike(fault);
    const all = device.says('1', 3);
    device.socket.write('2');
    device.socket.write('3');
    line.heal();
    expect((await all).toString()).toBe('123');
  },
);

test('a line that refuses resets what comes, until it is healed', async () => {
  const { line, dial } = await echo();
  const device = await dial();
  line.strike('refused');
  expect(await device.ended).toBe('reset');
  expect(await (await dial()).ended).toBe('reset');
  line.heal();
  expect((await (await dial()).says('after')).toString()).toBe('after');
});
