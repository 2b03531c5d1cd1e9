// A publisher on a bare connection: one POST after the other.
import { connect } from 'node:net';
import { once } from 'node:events';
import type { Target } from '../burst.ts';

/** Publishes. */
export interface Publisher {
  /** Resolves when the POST is answered; several at once are answered in their order. */
  post(body: string): Promise<void>;
}

/** Opens a connection to publish on. */
export async function openPublisher({ port, publishPath, publishHeaders }: Target): Promise<Publisher> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const waiting: PromiseWithResolvers<void>[] = [];
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += String(chunk);
    for (let end = endOfAnswer(text); end > 0; end = endOfAnswer(text)) {
      const status = text.slice(9, 12);
      const answered = waiting.shift();
      if (status.startsWith('2')) answered?.resolve();
      else answered?.reject(new Error(`a publisher was answered ${text.slice(0, end)}`));
      text = text.slice(end);
    }
  });
  const head = [`POST ${publishPath} HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...publishHeaders].join('\r\n');
  return {
    post(body) {
      const answer = Promise.withResolvers<void>();
      waiting.push(answer);
      socket.write(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
      return answer.promise;
    },
  };
}

/** Where the first answer ends, or 0 while it has not arrived whole. */
function endOfAnswer(text: string): number {
  const body = text.indexOf('\r\n\r\n') + 4;
  if (body < 4) return 0;
  const head = text.slice(0, body).toLowerCase();
  if (head.includes('transfer-encoding: chunked')) {
    const last = text.indexOf('0\r\n\r\n', body);
    return last < 0 ? 0 : last + 5;
  }
  const [, length = '0'] = /\r\ncontent-length: (\d+)/.exec(head) ?? [];
  const end = body + Number(length);
  return end <= text.length ? end : 0;
}
