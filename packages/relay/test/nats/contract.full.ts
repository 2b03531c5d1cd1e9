// The law of streams on real servers: Debian's nats-server, one and three of them. `npm run test:full` installs it where it is missing.
import { worldOf } from '@godwit/core';
import { afterAll, beforeAll } from 'vitest';
import { createJetStreams, type JetStreams } from '../../src/nats/jetstream.ts';
import { streamNames } from '../../src/nats/names.ts';
import { streamsContract, type StreamsUnderTest } from '../../src/nats/testing/streams-contract.ts';
import { natsCluster, natsServer, type NatsServer } from './server.ts';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';

contractOn('on one NATS server', async () => [await natsServer()], 1);
contractOn('on three NATS servers', natsCluster, 3);

function contractOn(name: string, make: () => Promise<readonly NatsServer[]>, replicas: number): void {
  let servers: readonly NatsServer[] = [];
  let own: JetStreams | undefined;
  const connect = (index: number): Promise<JetStreams> => {
    // Each relay at another server.
    const order = servers.map((_, shift) => servers[(index + shift) % servers.length]?.url ?? '');
    return createJetStreams({ servers: order, replicas }, { world: worldOf(globalThis), tell: () => undefined });
  };
  beforeAll(async () => {
    servers = await make();
    await Promise.all(servers.map((server) => server.start()));
    own = await connect(0);
  }, 30_000);
  afterAll(async () => {
    await own?.close();
    await Promise.all(servers.map((server) => server.end()));
  });
  streamsContract(name, async (): Promise<StreamsUnderTest> => {
    const { connection } = own ?? (await connect(0));
    let connected = 0;
    return {
      connect: () => connect((connected += 1)),
      async remove(stream) {
        const { streams } = await jetstreamManager(connection);
        await streams.delete(streamNames('godwit', stream).stream);
      },
      async intrude(stream, body) {
        await jetstream(connection).publish(streamNames('godwit', stream).subject, body);
      },
    };
  });
}
