// What the MQTT bridge promises, whatever the broker.
import { join } from 'node:path';
import { createTestLogger } from '@godwit/core/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { mqttBridge, type MqttOptions } from '../../src/mqtt/index.ts';
import { backupCommand, restoreCommand } from '../../src/node/backup-command.ts';
import { startRelay, type RunningRelay } from '../../src/node/index.ts';
import { folder } from '../relay.ts';
import { deviceAt, networkTo, type Broker } from './broker.ts';

/** Longer than any of these waits takes on a busy machine. */
const patience = { timeout: 90_000, interval: 20 };

/** A relay with a bridge. */
interface Bridged {
  readonly relay: RunningRelay;
  readonly data: string;
  readonly logger: ReturnType<typeof createTestLogger>;
}

async function bridged(mqtt: MqttOptions, data?: string): Promise<Bridged> {
  const logger = createTestLogger();
  const its = data ?? (await folder());
  const options = { port: 0, data: its, durability: 'os', insecure: true, logger } as const;
  const relay = await startRelay({ ...options, bridges: [mqttBridge(mqtt)] });
  onTestFinished(() => relay.close());
  return { relay, data: its, logger };
}

function eventOf(id: string, more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return { specversion: '1.0', id, source: '/alice', type: 'order.placed', data: { id }, ...more };
}

async function post({ url }: RunningRelay, channel: string, ...events: readonly object[]): Promise<void> {
  const response = await fetch(`${url}/v1/channels/${channel}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents-batch+json' },
    body: JSON.stringify(events),
  });
  if (response.status !== 200) throw new Error(await response.text());
}

type Told = Readonly<Record<string, unknown>>;

async function read({ url }: RunningRelay, channel: string): Promise<readonly Told[]> {
  const response = await fetch(`${url}/v1/channels/${channel}/events?after=earliest`);
  return (await response.json()) as readonly Told[];
}

async function statOf({ url }: RunningRelay, channel: string): Promise<Told> {
  return (await (await fetch(`${url}/v1/channels/${channel}`)).json()) as Told;
}

/** Until the channel holds events of these ids, in this order. */
async function untilHeld(relay: RunningRelay, channel: string, ids: readonly string[]): Promise<readonly Told[]> {
  return vi.waitFor(async () => {
    const events = await read(relay, channel);
    expect(events.map(({ id }) => id)).toEqual(ids);
    return events;
  }, patience);
}

/** What a device has heard first of each, in order: each comes at least once. */
function firsts(heard: readonly { readonly event: Told }[]): readonly unknown[] {
  return [...new Set(heard.map(({ event }) => event['id']))];
}

function idsOf(from: number, to: number): readonly string[] {
  return Array.from({ length: to - from }, (_, index) => `e${from + index}`);
}

function urlOf({ port }: Broker): string {
  return `mqtt://127.0.0.1:${port}`;
}

/** Runs the cases. */
export function mqttContract(makeBroker: () => Promise<Broker>): void {
  const started = async (): Promise<Broker> => {
    const broker = await makeBroker();
    await broker.start();
    return broker;
  };

  describe('out:', () => {
    test('what is appended to a channel is published at its topic, as it is read, in order', async () => {
      const broker = await started();
      const device = await deviceAt(broker);
      const { relay } = await bridged({ url: urlOf(broker), out: { orders: 'shop/orders' } });
      await post(relay, 'orders', ...idsOf(0, 20).map((id) => eventOf(id)));
      await post(relay, 'other', eventOf('elsewhere'));
      await device.until(20);
      expect(await statOf(relay, 'orders')).toMatchObject({ delivered: 20, subscribers: 1, dropped: {} });
      const held = await read(relay, 'orders');
      expect(firsts(device.heard)).toEqual(idsOf(0, 20));
      expect(device.heard[0]).toEqual({
        topic: 'shop/orders',
        event: { ...held[0], mqttclient: expect.any(String) },
      });
    });

    test('what is appended while the broker is away is published when it is back', async () => {
      const broker = await started();
      const { relay, logger } = await bridged({ url: urlOf(broker), out: { orders: 'shop/orders' } });
      const before = await deviceAt(broker);
      await post(relay, 'orders', eventOf('e0'));
      await before.until(1);
      await broker.stop();
      await post(relay, 'orders', ...idsOf(1, 200).map((id) => eventOf(id)));
      await vi.waitFor(() => {
        expect(logger.lines.some(({ message }) => message.includes('does not answer'))).toBe(true);
      }, patience);
      await broker.start();
      // The relay may be back before this device is: what it must have had is told by the last.
      const device = await deviceAt(broker);
      await post(relay, 'orders', eventOf('last'));
      await vi.waitFor(() => expect(firsts(device.heard)).toContain('last'), patience);
      await vi.waitFor(async () => expect(await statOf(relay, 'orders')).toMatchObject({ queueDepth: 0 }), patience);
      expect(await statOf(relay, 'orders')).toMatchObject({ delivered: 201, dropped: {} });
    });

    test('a broker that was not there at the start gets what has come since', async () => {
      const broker = await makeBroker();
      const { relay } = await bridged({ url: urlOf(broker), out: { orders: 'shop/orders' } });
      await vi.waitFor(async () => expect(await statOf(relay, 'orders')).toMatchObject({ subscribers: 1 }), patience);
      await post(relay, 'orders', eventOf('e0'), eventOf('e1'));
      expect(await statOf(relay, 'orders')).toMatchObject({ queueDepth: 2 });
      await broker.start();
      await vi.waitFor(async () => expect(await statOf(relay, 'orders')).toMatchObject({ delivered: 2 }), patience);
    });

    test('connections that are cut lose nothing, and change no order', async () => {
      const broker = await started();
      const device = await deviceAt(broker);
      const network = await networkTo(broker);
      const { relay } = await bridged({ url: network.url, out: { orders: 'shop/orders' } });
      for (const [round, from] of [0, 100, 200].entries()) {
        await post(relay, 'orders', ...idsOf(from, from + 100).map((id) => eventOf(id)));
        await device.until(round * 100 + 10);
        network.cut();
      }
      await vi.waitFor(() => expect(firsts(device.heard)).toHaveLength(300), patience);
      expect(firsts(device.heard)).toEqual(idsOf(0, 300));
    });

    test('a relay that comes back goes on where the broker had acknowledged', async () => {
      const broker = await started();
      const device = await deviceAt(broker);
      const options = { url: urlOf(broker), out: { orders: 'shop/orders' } };
      const first = await bridged(options);
      await post(first.relay, 'orders', ...idsOf(0, 50).map((id) => eventOf(id)));
      await device.until(50);
      await first.relay.close();
      const without = await startRelay({ port: 0, data: first.data, durability: 'os', insecure: true });
      await post(without, 'orders', ...idsOf(50, 60).map((id) => eventOf(id)));
      await without.close();
      const { relay } = await bridged(options, first.data);
      await post(relay, 'orders', eventOf('e60'));
      await vi.waitFor(() => expect(firsts(device.heard)).toEqual(idsOf(0, 61)), patience);
      expect(device.heard).toHaveLength(61);
    });
  });

  test('a relay that is put back from a backup publishes nothing again that the broker had acknowledged', async () => {
    const broker = await started();
    const device = await deviceAt(broker);
    const options = { url: urlOf(broker), out: { orders: 'shop/orders' } };
    const first = await bridged(options);
    await post(first.relay, 'orders', ...idsOf(0, 10).map((id) => eventOf(id)));
    await device.until(10);
    await first.relay.close();
    const [copy, data] = [join(await folder(), 'copy.sqlite'), await folder()];
    await backupCommand(['--data', first.data, '--to', copy]);
    await restoreCommand(['--from', copy, '--data', data]);
    const { relay, logger } = await bridged(options, data);
    await post(relay, 'orders', eventOf('e10'));
    await device.until(11);
    expect(device.heard.map(({ event }) => event['id'])).toEqual(idsOf(0, 11));
    expect(logger.lines.map(({ message }) => message)).toEqual([expect.stringContaining('is a backup')]);
  });

  describe('in:', () => {
    test('what a device publishes is appended, with its topic, and once', async () => {
      const broker = await started();
      const device = await deviceAt(broker, 'nothing');
      const { relay } = await bridged({ url: urlOf(broker), in: { 'devices/+/seen': 'seen', 'devices/#': 'rest' } });
      // The filters are asked for once the relay is there: what it hears first shows that they are.
      await vi.waitFor(async () => {
        await device.publish('devices/1/seen', eventOf('a'));
        expect(await read(relay, 'seen')).toHaveLength(1);
      }, patience);
      await device.publish('devices/1/seen', eventOf('a'));
      await device.publish('devices/2/seen', eventOf('b'));
      await device.publish('devices/2', eventOf('c'));
      const [, b] = await untilHeld(relay, 'seen', ['a', 'b']);
      expect(b).toMatchObject({ ...eventOf('b'), mqtttopic: 'devices/2/seen', channel: 'seen' });
      await untilHeld(relay, 'rest', ['c']);
      expect(await statOf(relay, 'seen')).toMatchObject({ published: 2, refused: 0 });
    });

    test('a payload that is no CloudEvent is counted as refused, told once in a while, and holds up nothing', async () => {
      const broker = await started();
      const device = await deviceAt(broker, 'nothing');
      const limits = { eventBytesMax: 1000 };
      const logger = createTestLogger();
      const bridges = [mqttBridge({ url: urlOf(broker), in: { 'devices/#': 'seen' } })];
      const options = { port: 0, data: await folder(), durability: 'os', insecure: true, logger, limits } as const;
      const relay = await startRelay({ ...options, bridges });
      onTestFinished(() => relay.close());
      await vi.waitFor(async () => {
        await device.publish('devices/1', eventOf('a'));
        expect(await read(relay, 'seen')).toHaveLength(1);
      }, patience);
      const bad = [
        '21.5 °C',
        '',
        '[]',
        JSON.stringify([eventOf('x')]),
        '{"id":"x"}',
        eventOf('x', { data: 'x'.repeat(1000) }),
      ];
      for (const payload of bad) await device.publish('devices/1', payload);
      await device.publish('devices/1', eventOf('b'));
      await untilHeld(relay, 'seen', ['a', 'b']);
      expect(await statOf(relay, 'seen')).toMatchObject({ published: 2, refused: bad.length });
      const told = logger.lines.filter(({ message }) => message.startsWith('a message was refused'));
      expect(told).toEqual([
        expect.objectContaining({
          level: 'warn',
          fields: expect.objectContaining({
            topic: 'devices/1',
            channel: 'seen',
            failure: expect.objectContaining({ name: 'InvalidEvent' }),
          }),
        }),
      ]);
    });

    test('what comes while the relay is away waits at the broker', async () => {
      const broker = await started();
      const device = await deviceAt(broker, 'nothing');
      const options = { url: urlOf(broker), in: { 'devices/#': 'seen' } };
      const first = await bridged(options);
      await vi.waitFor(async () => {
        await device.publish('devices/1', eventOf('a'));
        expect(await read(first.relay, 'seen')).toHaveLength(1);
      }, patience);
      await first.relay.close();
      for (const id of ['b', 'c', 'd']) await device.publish('devices/1', eventOf(id));
      const { relay } = await bridged(options, first.data);
      await untilHeld(relay, 'seen', ['a', 'b', 'c', 'd']);
    });

    test('connections that are cut lose nothing, and store nothing twice', async () => {
      const broker = await started();
      const device = await deviceAt(broker, 'nothing');
      const network = await networkTo(broker);
      const { relay } = await bridged({ url: network.url, in: { 'devices/#': 'seen' } });
      await vi.waitFor(async () => {
        await device.publish('devices/1', eventOf('e0'));
        expect(await read(relay, 'seen')).toHaveLength(1);
      }, patience);
      for (const id of idsOf(1, 150)) {
        await device.publish('devices/1', eventOf(id));
        if (Number(id.slice(1)) % 40 === 0) network.cut();
      }
      await untilHeld(relay, 'seen', idsOf(0, 150));
    });
  });

  test('an event goes round neither way, also not an ephemeral one', async () => {
    const broker = await started();
    const device = await deviceAt(broker);
    const { relay } = await bridged({ url: urlOf(broker), out: { board: 'board' }, in: { board: 'board' } });
    await vi.waitFor(async () => {
      await device.publish('board', eventOf('theirs'));
      expect(await read(relay, 'board')).toHaveLength(1);
    }, patience);
    await post(relay, 'board', eventOf('ours'), eventOf('pointer', { ephemeral: true }), eventOf('last'));
    await vi.waitFor(
      () => expect(firsts(device.heard)).toEqual(expect.arrayContaining(['ours', 'pointer', 'last'])),
      patience,
    );
    await device.publish('board', eventOf('end'));
    await untilHeld(relay, 'board', ['theirs', 'ours', 'last', 'end']);
    await vi.waitFor(async () => {
      expect(await statOf(relay, 'board')).toMatchObject({ published: 4, queueDepth: 0 });
    }, patience);
    await vi.waitFor(() => expect(firsts(device.heard)).toContain('end'), patience);
    // A broker keeps no order between what it guarantees and what it does not.
    const others = device.heard.map(({ event }) => String(event['id'])).filter((id) => id !== 'theirs');
    expect(others.toSorted((one, other) => (one < other ? -1 : 1))).toEqual(['end', 'last', 'ours', 'pointer']);
  });
}
