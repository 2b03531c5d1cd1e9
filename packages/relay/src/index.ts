// The relay's app, for any runtime that speaks fetch. `@godwit/relay/node` and `@godwit/relay/cloudflare` run it.
export { createApp, type AppOptions } from './app.ts';
export * from './authority/index.ts';
export type { Origins } from './cors.ts';
export { problemResponse } from './problem.ts';
export type { RelayStats } from './routes/totals.ts';
export type { RelayParts } from './routes/parts.ts';
