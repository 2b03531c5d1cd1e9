// GET /v1/backup: all that the relay holds, as one file, while it goes on.
import type { Handler } from 'hono';
import { Failure } from '@godwit/core';
import type { RelayParts } from './parts.ts';

/** `GET /v1/backup` (rule 5.8). It holds every channel, and the secrets of webhooks: it needs the right to manage all. */
export function backUp({ authority, backup }: RelayParts): Handler {
  return async (context) => {
    await authority(context.req.raw, 'manage', '*');
    if (backup === undefined) {
      throw new Failure(
        'Unsupported',
        'this relay makes no backups: on Workers, and of a cluster, whoever keeps the events keeps copies of them',
      );
    }
    const headers = {
      'content-type': 'application/vnd.sqlite3',
      'content-disposition': 'attachment; filename="godwit.sqlite"',
      'cache-control': 'no-store',
    };
    // Nobody would read the copy.
    if (context.req.method === 'HEAD') return new Response(null, { headers });
    const { body, bytes } = await backup();
    return new Response(body, { headers: { ...headers, 'content-length': String(bytes) } });
  };
}
