// A free port of this machine.
import { createServer, type AddressInfo, type Server } from 'node:net';

/** Lets a server listen on a free port of this machine only, and answers which. */
export async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

/** A port that was free a moment ago: for a process that is started again and again and keeps its address. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await portOf(server);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
