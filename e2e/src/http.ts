// The relay as any HTTP client sees it: no library of ours.

/** An event as the relay sends it. */
export interface Received {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly channel: string;
  readonly sequence: string;
  readonly data: unknown;
  readonly traceparent?: string;
}

/** Reads a channel from its beginning, page by page. */
export async function readAll(url: string, channel: string): Promise<readonly Received[]> {
  const events: Received[] = [];
  let after = 'earliest';
  for (;;) {
    const answer = await fetch(`${url}/v1/channels/${channel}/events?after=${encodeURIComponent(after)}&limit=1000`, {
      headers: { accept: 'application/json' },
    });
    if (!answer.ok) throw new Error(`reading ${channel}: the relay answered ${answer.status}`);
    const page: readonly Received[] = await answer.json();
    events.push(...page);
    after = answer.headers.get('godwit-next-offset') ?? after;
    if (answer.headers.get('godwit-up-to-date') === 'true') return events;
  }
}

/** Posts a batch, and answers with the relay's JSON. */
export async function post(
  url: string,
  channel: string,
  events: readonly object[],
): Promise<{ readonly results: readonly { readonly id: string; readonly status: string; readonly offset: string }[] }> {
  const answer = await fetch(`${url}/v1/channels/${channel}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents-batch+json' },
    body: JSON.stringify(events),
  });
  if (!answer.ok) throw new Error(`posting to ${channel}: the relay answered ${answer.status}`);
  return await answer.json();
}

/** A note as a CloudEvent, ready to be posted. */
export function note(by: string, n: number): object {
  return {
    specversion: '1.0',
    id: `${by}-${n}`,
    source: `https://example.com/${by}`,
    type: 'note.written',
    data: { by, n },
  };
}

/** A stream's frames, as they come. Ends when `until` says so. */
export async function readStream(
  url: string,
  headers: Readonly<Record<string, string>>,
  until: (frames: readonly Frame[]) => boolean,
): Promise<readonly Frame[]> {
  const abort = new AbortController();
  const answer = await fetch(url, { headers: { accept: 'text/event-stream', ...headers }, signal: abort.signal });
  if (!answer.ok || answer.body === null) throw new Error(`reading ${url}: the relay answered ${answer.status}`);
  const frames: Frame[] = [];
  let rest = '';
  for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split('\n\n');
    rest = blocks.pop() ?? '';
    frames.push(...blocks.flatMap(parseFrame));
    if (until(frames)) break;
  }
  abort.abort();
  return frames;
}

/** One frame of a stream. */
export interface Frame {
  readonly id: string | undefined;
  /** Undefined on an event, a name on a control frame. */
  readonly event: string | undefined;
  readonly data: string;
}

function parseFrame(block: string): readonly Frame[] {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const [, name, value] = /^([a-z]+): ?(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) fields.set(name, value);
  }
  const data = fields.get('data');
  return data === undefined ? [] : [{ id: fields.get('id'), event: fields.get('event'), data }];
}
