// The worker's entry: everything behind the page's thread. It starts nothing before the page asks.
import { expose } from 'comlink';
import { serveEngine } from './worker/serve.ts';

expose(serveEngine(globalThis));
