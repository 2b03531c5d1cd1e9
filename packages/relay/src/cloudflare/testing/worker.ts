// What the tests in workerd deploy.
import { DurableObject } from 'cloudflare:workers';

import { createWorker } from '../index.ts';

export { ChannelObject } from '../index.ts';

/** An object that does nothing: tests open logs in its storage. */
export class LogObject extends DurableObject {}

export default createWorker();
