// For tests: the protocol's contract, for whoever runs the app somewhere else.
export * from './frames.ts';
export * from './relay-contract.ts';
export * from './sockets.ts';
export { webhooksOf } from './webhook-rules.ts';
export * from './world.ts';
