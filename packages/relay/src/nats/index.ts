// Several relays that share their channels by NATS JetStream, on Node: an entry of its own, so that nobody else loads it.
export { natsCluster } from './cluster.ts';
export type { NatsOptions, NatsTls } from './options.ts';
