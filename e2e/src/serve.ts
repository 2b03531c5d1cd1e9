// The relay with a page beside it, as a process: what the tests start, kill and start again.
import { parseArgs } from 'node:util';
import { startRelay } from '@godwit/relay/node';

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    data: { type: 'string' },
    assets: { type: 'string' },
    limits: { type: 'string' },
  },
});
const { port, data, assets, limits = '{}' } = values;
if (port === undefined || data === undefined || assets === undefined) {
  throw new Error('--port, --data and --assets are needed');
}
const relay = await startRelay({
  port: Number(port),
  host: '127.0.0.1',
  data,
  assets,
  insecure: true,
  limits: JSON.parse(limits),
});
process.stdout.write(`${relay.url}\n`);
process.once('SIGTERM', () => {
  void relay.close().then(() => process.exit(0));
});
