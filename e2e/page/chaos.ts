// A tab of `npm run chaos`: publishes as fast as it is told to, and tells whoever started it all that was acknowledged,
// heard and handled. `?tab=` names it, `?device=` is its user, `?relay=` its way to the relay.
import { createRuntime } from '@godwit/client';
import { defineEvents, Failure, type Delivered } from '@godwit/core';
import * as v from 'valibot';
import { channelOf, channels, isAsWritten, typeOf, whole, writeNote, type Note } from '../chaos/tale.ts';
import type { Acknowledged, Heard, Orders, Tale } from '../chaos/tale.ts';

/** How often it publishes and tells, in milliseconds: ten times a second is soon enough to time a recovery by. */
const tickMs = 100;
/** How long an answer may take, in milliseconds. */
const answerMsMax = 2000;
/** The most calls of publish without an answer: where the disk hangs, nothing piles up. */
const openMax = 500;

const query = new URLSearchParams(location.search);
const tab = query.get('tab') ?? '';
const note = v.object({ by: v.string(), n: v.number(), at: v.number(), text: v.string() });
const runtime = await createRuntime({
  name: 'chaos',
  user: query.get('device') ?? '',
  events: defineEvents({ 'note.written': note, 'order.placed': note }),
  relay: query.get('relay') ?? '',
  channels,
});

let acknowledged: Acknowledged[] = [];
let heard: Heard[] = [];
let refused: Record<string, number> = {};
let handled: { readonly id: string; readonly told: () => void }[] = [];
let perSecond = 0;
let owed = 0;
let n = 0;
let open = 0;

const take = ({ id, channel, offset, data }: Delivered<string, Note>): void => {
  heard.push({ channel, offset: offset ?? '', id, by: data.by, at: data.at, intact: isAsWritten(data) });
};
runtime.on('**', take, {
  order: 'relay',
  onGap: ({ channel, missed, reason }) => heard.push({ channel, missed, reason }),
});
runtime.handle(
  'order.placed',
  'ledger',
  // It has handled an event once the ledger has it, which is outside, and outlives the browser.
  ({ id }) => new Promise<void>((told) => handled.push({ id, told })),
  // Killed again and again in its midst, an event uses up attempts that are not its fault.
  { from: 'earliest', channel: whole, concurrency: 64, maxErrors: 1000 },
);

setInterval(() => void tell(), tickMs);
setInterval(() => void writeLedger(), tickMs);
setInterval(publish, tickMs);

function publish(): void {
  owed = Math.min(openMax, owed + (perSecond * tickMs) / 1000);
  while (owed >= 1 && open < openMax) {
    owed -= 1;
    n += 1;
    void publishOne(n);
  }
}

async function publishOne(n: number): Promise<void> {
  open += 1;
  const channel = channelOf(n);
  const onDisk = runtime.status.get().storage === 'indexeddb';
  try {
    const { id } = await runtime.publish(typeOf(n), writeNote(tab, n, Date.now()), { channel });
    acknowledged.push({ id, channel, n, onDisk });
  } catch (error) {
    const name = error instanceof Failure ? error.name : String(error);
    refused[name] = (refused[name] ?? 0) + 1;
  }
  open -= 1;
}

let isTelling = false;
let turn = 0;
async function tell(): Promise<void> {
  // One at a time: what is told arrives in its order.
  if (isTelling) return;
  isTelling = true;
  const { pending, connection, storage, role, handlers } = runtime.status.get();
  const dead = handlers['ledger']?.rows.dead ?? 0;
  turn += 1;
  const tale: Tale = { tab, turn, acknowledged, heard, refused, pending, connection, storage, role, dead };
  [acknowledged, heard, refused] = [[], [], {}];
  const orders: Orders = await post('/tell', tale);
  perSecond = orders.perSecond;
  isTelling = false;
}

let isWriting = false;
async function writeLedger(): Promise<void> {
  if (isWriting || handled.length === 0) return;
  isWriting = true;
  const batch = handled;
  handled = [];
  await post('/ledger', { tab, ids: batch.map(({ id }) => id) });
  for (const { told } of batch) told();
  isWriting = false;
}

/** Whoever listens is on this machine, and there as long as the run is; but a page that was frozen may never get an answer. */
async function post(path: string, body: unknown): Promise<Orders> {
  for (;;) {
    try {
      const signal = AbortSignal.timeout(answerMsMax);
      return await (await fetch(path, { method: 'POST', body: JSON.stringify(body), signal })).json();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, tickMs));
    }
  }
}
