// Answers on a bare connection: for requests that Node does not make an answer for, as handshakes and what is no HTTP.
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** Writes an answer, and ends the connection behind it. */
export async function writeAnswer(socket: Duplex, response: Response): Promise<void> {
  writeBare(socket, response.status, response.headers, Buffer.from(await response.arrayBuffer()));
}

/** The same, at once. */
export function writeBare(
  socket: Duplex,
  status: number,
  headers: Iterable<readonly [name: string, value: string]>,
  body: Buffer,
): void {
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`];
  for (const [name, value] of headers) if (name !== 'connection') head.push(`${name}: ${value}`);
  head.push(`content-length: ${body.byteLength}`, 'connection: close');
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  socket.once('finish', () => socket.destroy());
  socket.end(body);
}
