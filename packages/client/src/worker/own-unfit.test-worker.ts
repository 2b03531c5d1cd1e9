// An application's own worker for the tests, with options that types would refuse: its name holds them.
import { serveOwnWorker } from '../own-worker.ts';

serveOwnWorker(JSON.parse(globalThis.name));
