// Opens a runtime as the address says, and hands it to the test. `?user=`, `?channel=`, `?relay=` as on the demo, but that
// `?relay=none` is none; `?trace` keeps this tab's spans, `?keep=` so many events in the device's log, `?later` has its
// worker's clock go ahead, `?patient` waits for news of the network for ever, and `?durable` handles notes durably, once for the
// device; `?durable=holds` does not end any before the test lets it, and `?poison=` not that number; `?attempts=` is how often it
// tries. `?signed=` is the token until localStorage has another.
import { createRuntime } from '@godwit/client';
import { defineEvents, Failure, type Delivered } from '@godwit/core';
import * as v from 'valibot';
import { openTracing } from '../src/tracing.ts';
import type { Begun, Handled, PageApi } from './api.ts';

const note = v.object({ by: v.string(), n: v.number() });
const events = defineEvents({ 'note.written': note });
const query = new URLSearchParams(location.search);
const tracing = query.has('trace') ? openTracing() : undefined;
const relay = query.get('relay') ?? location.origin;
const runtime = await createRuntime({
  name: 'e2e',
  user: query.get('user') ?? 'alice',
  events,
  ...(relay !== 'none' && { relay }),
  ...(query.has('keep') && { retention: { eventsMax: Number(query.get('keep')) } }),
  ...(query.has('later') && {
    worker: () => new Worker(new URL('./later-worker.js', import.meta.url), { type: 'module' }),
  }),
  ...(query.has('patient') && {
    worker: () => new Worker(new URL('./patient-worker.js', import.meta.url), { type: 'module' }),
  }),
  channels: [query.get('channel') ?? 'notes'],
  ...(tracing && { telemetry: tracing.telemetry }),
  ...(query.has('signed') && { token: () => localStorage.getItem('token') ?? (query.get('signed') || undefined) }),
});

const handled: Record<'local' | 'relay', Handled[]> = { local: [], relay: [] };
for (const order of ['local', 'relay'] as const) {
  const take = ({ id, data, offset }: Delivered<string, v.InferOutput<typeof note>>): void => {
    handled[order].push({ id, by: data.by, n: data.n, offset });
  };
  runtime.on('note.written', take, { order });
}

const begun: Begun[] = [];
const letGo = Promise.withResolvers<void>();
if (query.has('durable')) {
  const count = async (
    { data }: Delivered<string, v.InferOutput<typeof note>>,
    { attempt, signal }: { readonly attempt: number; readonly signal: AbortSignal },
  ): Promise<void> => {
    const task: Begun = { n: data.n, attempt, aborted: null };
    begun.push(task);
    signal.addEventListener('abort', () => (task.aborted = String(signal.reason)));
    if (query.get('durable') === 'holds' || query.get('poison') === String(data.n)) await letGo.promise;
  };
  const attempts = query.has('attempts') ? { maxErrors: Number(query.get('attempts')) } : {};
  runtime.handle('note.written', 'count', count, { from: 'earliest', ...attempts });
}
const shown: ('first' | 'again')[] = ['first'];
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) shown.push('again');
});
let published = 0;

async function publishOne(by: string, n: number): Promise<string> {
  const { id } = await runtime.publish('note.written', { by, n });
  published += 1;
  return id;
}

async function publish(by: string, from: number, count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let n = from; n < from + count; n += 1) ids.push(await publishOne(by, n));
  return ids;
}

const end = new AbortController();
let kept: Promise<void> | undefined;

async function keepPublishing(by: string): Promise<void> {
  for (let n = 0; !end.signal.aborted; n += 1) await publishOne(by, n);
}

async function endPublishing(): Promise<number> {
  end.abort();
  await kept;
  return published;
}

async function publishUntilRelayed(by: string, n: number): Promise<string> {
  const { relayed } = await runtime.publish('note.written', { by, n });
  return relayed().then(
    () => 'relayed',
    (failure: unknown) => (failure instanceof Failure ? failure.name : String(failure)),
  );
}

globalThis.godwit = {
  publish,
  publishTogether: (by, from, count) => Promise.all(Array.from({ length: count }, (_, n) => publishOne(by, from + n))),
  publishUntilRelayed: (by, from, count) =>
    Promise.all(Array.from({ length: count }, (_, n) => publishUntilRelayed(by, from + n))),
  beginPublishing: (by, count) => void publish(by, 0, count),
  published: () => published,
  keepPublishing: (by) => void (kept = keepPublishing(by)),
  endPublishing,
  handled: (order) => handled[order],
  begun: () => begun,
  letGo: () => letGo.resolve(),
  status: () => runtime.status.get(),
  shown: () => shown,
  spans: () => tracing?.spans() ?? [],
  flush: () => runtime.flush(),
  pause: () => runtime.pause(),
  resume: () => runtime.resume(),
  close: () => runtime.close(),
} satisfies PageApi;
