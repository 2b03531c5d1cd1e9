// `npm start`: the relay and the demo on one port, for this machine only. What is published is kept in `.data/`.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { toFailure } from '@godwit/core';
import { startRelay } from '@godwit/relay/node';

async function serve(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: process.env['PORT'] ?? '8787' },
      data: { type: 'string', default: fileURLToPath(new URL('../../.data', import.meta.url)) },
    },
  });
  const relay = await startRelay({
    port: Number(values.port),
    // Open to all who reach it, so nobody beyond this machine may.
    host: '127.0.0.1',
    insecure: true,
    data: values.data,
    assets: fileURLToPath(new URL('dist', import.meta.url)),
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // Whenever it comes: npm passes it on to whom the terminal has told already.
    process.on(signal, () => {
      void relay.close().then(() => process.exit(0));
    });
  }
  process.stdout.write(
    `\n  Godwit’s live board: ${relay.url}\n  Open it in two tabs. Ctrl+C ends it; what was published stays.\n\n`,
  );
}

serve().catch((error: unknown) => {
  process.stderr.write(`\n  ${toFailure(error).message}\n\n`);
  process.exit(1);
});
