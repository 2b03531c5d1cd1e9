// Messages of a stream as JetStream sends them: in order, and with a word where one is missing.
import { createInbox, nanos, type Msg } from '@nats-io/transport-node';
import { AckPolicy, DeliverPolicy, ReplayPolicy } from '@nats-io/jetstream';
import { textOf, type Stop, type World } from '@godwit/core';
import { headOf } from './head-field.ts';
import type { NatsLink } from './link.ts';
import type { StoredMessage } from './stream.ts';

/** How often a server says that it is there where it has nothing else to say, in milliseconds. */
const heartbeatMs = 4000;
/** Nothing for so long, and at most twice as long: whoever sent is gone. */
const silenceMs = 5000;
/** How long a server keeps what sends to a relay that does not listen any more. */
const idleMs = 30_000;

/** What hears. Nothing is heard within the call that opens, nor after `broken`. */
export interface ReaderHears {
  message(message: StoredMessage): void;
  /** No more is sent, or something was lost: open another, behind what was heard. */
  broken(why: string): void;
}

/** What of a stream is read. */
export interface Reading {
  readonly stream: string;
  /** Its first message, by number. */
  readonly from: number;
  /** Bodies are left out, and are empty. */
  readonly headsOnly: boolean;
}

/**
 * Has JetStream send a stream from a message on, to this relay alone.
 *
 * @throws Failure `StorageFailed`, `Closed`
 */
export async function openReader(
  link: NatsLink,
  { stream, from, headsOnly }: Reading,
  hears: ReaderHears,
  world: World,
): Promise<{ readonly stop: Stop }> {
  const inbox = createInbox();
  let delivered = 0;
  let isOver = false;
  let isHeard = true;
  let consumer: string | undefined;
  let stopWatching: Stop | undefined;

  const stop = (): void => {
    if (isOver) return;
    isOver = true;
    stopWatching?.();
    subscription.unsubscribe();
    // Where this is lost, the server forgets it by itself.
    if (consumer !== undefined) link.ask(() => link.consumers.delete(stream, consumer ?? '')).catch(() => undefined);
  };
  const broken = (why: string): void => {
    if (isOver) return;
    stop();
    hears.broken(why);
  };
  const watch = (): void => {
    if (!isHeard) return broken('nothing was heard');
    isHeard = false;
    stopWatching = world.after(silenceMs, watch);
  };
  const heartbeat = (message: Msg): void => {
    const stalled = message.headers?.get('Nats-Consumer-Stalled') ?? '';
    if (message.reply !== undefined && message.reply !== '') message.respond();
    else if (stalled !== '') link.connection.publish(stalled);
    // With a heartbeat comes how many were sent before it: fewer, where a server came back and began anew.
    else if (Number(message.headers?.get('Nats-Last-Consumer') ?? delivered) !== delivered)
      broken('a message was lost');
  };
  const subscription = link.listen(inbox, (error, message) => {
    if (isOver) return;
    if (error !== null) return broken(textOf(error));
    isHeard = true;
    const sent = sentOf(message.reply);
    if (sent === undefined) {
      if (message.headers?.code === 100) heartbeat(message);
      else broken(message.headers?.description ?? 'what came is not known');
      return;
    }
    if (sent.order !== delivered + 1) return broken('a message was lost');
    delivered = sent.order;
    hears.message({ number: sent.number, head: headOf(message.headers), body: message.data });
  });
  try {
    const made = await link.ask(() =>
      link.consumers.add(stream, {
        deliver_subject: inbox,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: Math.max(1, from),
        ack_policy: AckPolicy.None,
        replay_policy: ReplayPolicy.Instant,
        max_deliver: 1,
        flow_control: true,
        idle_heartbeat: nanos(heartbeatMs),
        inactive_threshold: nanos(idleMs),
        mem_storage: true,
        num_replicas: 1,
        headers_only: headsOnly,
      }),
    );
    consumer = made.name;
    watch();
    return { stop };
  } catch (error) {
    stop();
    throw error;
  }
}

/**
 * What a message's reply subject says: `$JS.ACK.<domain>.<account>.<stream>.<consumer>.<tries>.<number>.<order>.<time>.<waiting>`,
 * of which servers may leave out the first two, and put more behind.
 *
 * @see https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-15.md
 */
function sentOf(reply = ''): { readonly number: number; readonly order: number } | undefined {
  const tokens = reply.split('.');
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK') return undefined;
  const [number, order] = tokens.slice(tokens.length === 9 ? 5 : 7).map(Number);
  return number === undefined || order === undefined ? undefined : { number, order };
}
