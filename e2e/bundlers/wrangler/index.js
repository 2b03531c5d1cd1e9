// What a Worker is given: the same, for each request a runtime in memory.
import { run } from '../app/app.js';

export default { fetch: async () => Response.json(await run()) };
