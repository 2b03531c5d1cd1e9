import { run } from './app.js';

const outcome = await run().catch((error) => ({ error: String(error) }));
document.querySelector('output').textContent = JSON.stringify(outcome);
