// Godwit in the browser. Importing this does nothing: what there is begins with `createRuntime`.
export { createRuntime } from './main/create-runtime.ts';
export type { RuntimeOptions } from './main/options.ts';
export type { ChannelOption, CommonOptions } from './options.ts';
export type { TokenSource } from './link/token.ts';
