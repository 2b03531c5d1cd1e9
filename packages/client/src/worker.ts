// The worker's entry: everything behind the page's thread. It starts nothing before the page asks.
import { expose, wrap } from 'comlink';
import type { PageSide } from './worker/border.ts';
import { serveEngine } from './worker/serve.ts';

expose(serveEngine(globalThis, wrap<PageSide>(globalThis)));
