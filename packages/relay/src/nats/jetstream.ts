// Streams on NATS JetStream: appended by compare-and-set on a stream's last number, and followed by consumers in order.
import { DiscardPolicy, RetentionPolicy, StorageType, type StoredMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Failure, type Stop, type World } from '@godwit/core';
import { codeOf, codes, isUnanswered } from './failures.ts';
import { followStream } from './follow.ts';
import { fieldBytes, headOf, withHead } from './head-field.ts';
import { openLink, type LinkParts, type NatsLink } from './link.ts';
import { streamNames } from './names.ts';
import { assertNatsOptions, type NatsOptions } from './options.ts';
import { openReader } from './reader.ts';
import { later } from './retry.ts';
import type { StoredHead, StoredMessage, Stream, Streams } from './stream.ts';

/** How often a broken reading is taken up again before it fails. */
const readingsMax = 3;
/** How often, and after how long, what nobody has heard is said again. */
const unheardMax = 8;
const unheardMs = 250;
/** How long a server may have nothing more to send though there is more, in milliseconds: another is asked then. */
const lagMs = 3000;

/** Streams on NATS, and the connection that they have: it ends with them. */
export interface JetStreams extends Streams {
  readonly connection: NatsConnection;
}

/**
 * Connects to NATS, and comes when its JetStream has answered. It waits for some seconds, for servers that start together; then
 * it fails, so that a wrong address is seen at the start, and whatever has started the relay starts it again. Once it was there,
 * NATS may be away for as long as it likes.
 *
 * @throws Failure `InvalidOptions`, `Unreachable`, `Unauthenticated`, `Forbidden`, `Unsupported`
 */
export async function createJetStreams(options: NatsOptions, parts: LinkParts): Promise<JetStreams> {
  assertNatsOptions(options);
  const { prefix = 'godwit', replicas = 1 } = options;
  const link = await openLink(options, parts);
  return {
    connection: link.connection,
    stream: (name) => openStream({ link, prefix, replicas, world: parts.world }, name),
    get messageBytesMax() {
      return link.payloadMax - fieldBytes;
    },
    onReturn: link.onReturn,
    ready: link.ready,
    close: link.close,
  };
}

interface StreamParts {
  readonly link: NatsLink;
  readonly prefix: string;
  readonly replicas: number;
  readonly world: World;
}

function openStream({ link, prefix, replicas, world }: StreamParts, name: string): Stream {
  const { stream, subject } = streamNames(prefix, name);
  /** By the stream's leader: another server may not know yet what was acknowledged. */
  const ofLeader = (
    query: { readonly last_by_subj: string } | { readonly seq: number },
  ): Promise<StoredMsg | undefined> =>
    link.ask(async () => (await unless(codes.streamNotFound, link.streams.getMessage(stream, query))) ?? undefined);

  return {
    async create(title) {
      const made = link.ask(() =>
        link.streams.add({
          name: stream,
          subjects: [subject],
          description: title,
          storage: StorageType.File,
          retention: RetentionPolicy.Limits,
          // Whatever bounds somebody sets: refused is seen, and dropped is not.
          discard: DiscardPolicy.New,
          num_replicas: replicas,
        }),
      );
      // One that is there, and somebody has changed since, is the one that is meant.
      await unless(codes.streamExists, made);
    },
    async append({ head, body }, behind) {
      const bytes = Buffer.byteLength(head) + body.length;
      const bytesMax = link.payloadMax - fieldBytes;
      if (bytes > bytesMax) {
        throw new Failure(
          'TooLarge',
          `a message has ${bytes} bytes, and NATS takes ${bytesMax}: raise its max_payload, or lower the relay’s limits`,
        );
      }
      const stored = heard(world, () =>
        link.ask(() =>
          link.publish(subject, body, {
            headers: withHead(head),
            expect: { streamName: stream, lastSequence: behind },
          }),
        ),
      );
      return (await unless(codes.wrongLast, unless(codes.wrongLastUnknown, stored)))?.seq;
    },
    async newest() {
      const message = await ofLeader({ last_by_subj: subject });
      if (message !== undefined) return { number: message.seq, head: headOf(message.header) };
      // It may hold nothing any more, and goes on counting.
      const asked = link.ask(() => link.streams.info(stream));
      const { last_seq: number = 0 } = (await unless(codes.streamNotFound, asked))?.state ?? {};
      if (number === 0) return undefined;
      // One may have come since.
      return { number, head: headOf((await ofLeader({ seq: number }))?.header) };
    },
    async read(number) {
      const message = await ofLeader({ seq: number });
      return message && { number: message.seq, head: headOf(message.header), body: message.data };
    },
    async *heads(from) {
      const place = { next: from };
      for (let reading = 1; ; reading += 1) {
        const why = yield* readHeads(link, stream, place, world);
        if (why === undefined) return;
        if (reading === readingsMax) {
          throw new Failure('StorageFailed', `what JetStream sent has broken off: ${why}`, { retryAfterMs: 1000 });
        }
      }
    },
    follow: (from, hears, gone): Stop => followStream(link, { stream, from, hears, gone }, world),
    async drop(before) {
      if (before <= 1) return;
      await unless(
        codes.streamNotFound,
        link.ask(() => link.streams.purge(stream, { seq: before })),
      );
    },
  };
}

/**
 * The heads that a stream holds, as far as they come, and why there are no more. What is read from may be a server that was away, and
 * has yet to hear of the newest: the stream's leader says which that is.
 */
async function* readHeads(
  link: NatsLink,
  stream: string,
  place: { next: number },
  world: World,
): AsyncGenerator<StoredHead, string | undefined> {
  const info = await unless(
    codes.streamNotFound,
    link.ask(() => link.streams.info(stream)),
  );
  const { messages = 0, last_seq: newest = 0 } = info?.state ?? {};
  if (messages === 0 || newest < place.next) return undefined;
  // Handed on as they come: a million of them take more memory than what is made of them.
  let come: StoredHead[] = [];
  let [isEnd, why]: [boolean, string | undefined] = [false, undefined];
  let wake: (() => void) | undefined;
  const end = (reason?: string): void => {
    if (isEnd) return;
    [isEnd, why] = [true, reason];
    wake?.();
  };
  const message = ({ number, head }: StoredMessage): void => {
    if (number >= place.next) {
      place.next = number + 1;
      come.push({ number, head });
    }
    if (number >= newest) return end();
    stopWaiting();
    stopWaiting = wait();
    wake?.();
  };
  const wait = (): Stop => world.after(lagMs, () => end('a server does not catch up'));
  let stopWaiting = wait();
  const stopLosses = link.onLoss(() => end('the connection was lost'));
  let reader: { readonly stop: Stop } | undefined;
  try {
    const reading = { stream, from: place.next, headsOnly: true };
    reader = await unless(codes.streamNotFound, openReader(link, reading, { message, broken: end }, world));
    if (reader === undefined) return undefined;
    for (;;) {
      const some = come;
      come = [];
      yield* some;
      if (come.length > 0) continue;
      if (isEnd) return why;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    stopWaiting();
    stopLosses();
    reader?.stop();
  }
}

/** A stream that was just made is not yet known to every server of a cluster. What nobody has heard is not stored: it is said again. */
async function heard<Answer>(world: World, say: () => Promise<Answer>): Promise<Answer> {
  for (let times = 1; ; times += 1) {
    try {
      return await say();
    } catch (error) {
      if (times === unheardMax || !isUnanswered(error)) throw error;
      await later(world, unheardMs);
    }
  }
}

/** Undefined where JetStream refuses for this reason. */
async function unless<Answer>(code: number, answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (codeOf(error) === code) return undefined;
    throw error;
  }
}
