// Sends by the platform's fetch, which looks names up itself and has no private network to reach.
import { Failure } from '@godwit/core';
import manifest from '../../../package.json' with { type: 'json' };
import type { Send } from '../../webhooks/types.ts';

/** Sends. */
export const sendByFetch: Send = async ({ url, headers, body, signal }) => {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'user-agent': `godwit/${manifest.version}` },
      body,
      signal,
      redirect: 'manual',
    });
    // Whatever else it has to say, for as long as it likes.
    response.body?.cancel().catch(() => undefined);
    return { status: response.status, retryAfter: response.headers.get('retry-after') ?? undefined };
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new Failure('Unreachable', `${new URL(url).hostname}: ${said}`, { cause: error });
  }
};
