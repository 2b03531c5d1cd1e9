// Which channels a cluster has, and what is the same to all its relays: a stream that every relay reads.
import { Failure, type Stop, type World } from '@godwit/core';
import { epochOf } from '@godwit/core/feed';
import { halfSipHash, type IdentityHash } from '../identities/hash.ts';
import { asFailure } from './retry.ts';
import type { StoredHead, Stream } from './stream.ts';

/** The channels that anything was ever written to, as far as this relay has heard. */
export interface Registry {
  /** Of every channel that nobody has removed yet. */
  readonly epoch: string;
  readonly hash: IdentityHash;
  names(): readonly string[];
  has(name: string): boolean;
  /** Resolves once every relay that starts from now on knows of it. */
  add(name: string): Promise<void>;
  /** The host was away, and may have lost something. */
  returned(): void;
  stop(): void;
}

const title = 'the channels of this cluster';
const noBody = new Uint8Array();

/**
 * Opens it. `heard` is told of each channel that comes, by whichever relay.
 *
 * @throws Failure `StorageFailed` where the host does not answer, or holds what is none of ours
 */
export async function openRegistry(
  stream: Stream,
  parts: {
    readonly world: World;
    readonly heard: (name: string) => void;
    readonly report: (failure: Failure) => void;
  },
): Promise<Registry> {
  const { world, heard, report } = parts;
  await stream.create(title);
  const { epoch, hash, said } = await clusterOf(stream, world);
  const names = new Set<string>();
  let number = 1;
  let isStopped = false;
  let reading: Promise<void> | undefined;
  for await (const head of stream.heads(number + 1)) hear(head);
  let stopFollowing = follow();

  return {
    epoch,
    hash,
    names: () => [...names],
    has: (name) => names.has(name),
    add,
    returned() {
      // One that is under way may have read what was lost since.
      const before = reading ?? Promise.resolve();
      before
        .catch(() => undefined)
        .then(readAgain)
        .catch((error: unknown) => report(asFailure(error)));
    },
    stop() {
      isStopped = true;
      stopFollowing();
    },
  };

  function follow(): Stop {
    return stream.follow(number + 1, hear, () => {
      report(
        new Failure('StorageFailed', 'the stream of the channels was removed: restart the relays of this cluster'),
      );
    });
  }

  function hear({ number: its, head }: StoredHead): void {
    if (its <= number) return;
    number = its;
    const name = channelIn(head);
    if (name === undefined) return;
    names.add(name);
    heard(name);
  }

  async function add(name: string): Promise<void> {
    const head = JSON.stringify({ channel: name });
    while (!names.has(name)) {
      if (isStopped) throw new Failure('Closed', 'the logs of this relay are closed');
      const stored = await stream.append({ head, body: noBody }, number);
      if (stored !== undefined) hear({ number: stored, head });
      else {
        // Another relay was quicker: what it has said. Or the host has lost some.
        const next = await stream.read(number + 1);
        if (next !== undefined) hear(next);
        else await readAgain();
      }
    }
  }

  /** One by one: all at once would race each other. */
  async function addAll(some: readonly string[]): Promise<void> {
    for (const name of some) await add(name);
  }

  function readAgain(): Promise<void> {
    reading ??= whatIsHeld().finally(() => (reading = undefined));
    return reading;
  }

  /** Reads it from its beginning, and says again what the host has lost. */
  async function whatIsHeld(): Promise<void> {
    const newest = await stream.newest();
    if (newest === undefined) {
      await stream.create(title);
      await stream.append({ head: said, body: noBody }, 0);
    }
    const known = [...names];
    stopFollowing();
    if (isStopped) return;
    names.clear();
    number = 1;
    try {
      for await (const head of stream.heads(number + 1)) hear(head);
      // Of what somebody has removed by hand, only the numbers are left.
      number = Math.max(number, newest?.number ?? 0);
    } finally {
      stopFollowing = follow();
      // Not waited for: each of them may have to read again, too. What cannot be said again now is when it is written to.
      addAll(known).catch((error: unknown) => report(asFailure(error)));
    }
  }
}

async function clusterOf(
  stream: Stream,
  world: World,
): Promise<Pick<Registry, 'epoch' | 'hash'> & { readonly said: string }> {
  const [low, high] = crypto.getRandomValues(new Uint32Array(2));
  const head = JSON.stringify({ v: 1, epoch: epochOf(world.id()), key: [low, high] });
  const begin = async (): Promise<StoredHead | undefined> => {
    // Undefined where another relay was quicker.
    await stream.append({ head, body: noBody }, 0);
    return stream.read(1);
  };
  const first = (await stream.read(1)) ?? (await begin());
  const said = first?.head ?? '';
  const value: unknown = parsed(said);
  if (!isCluster(value)) {
    const message = 'the stream of the channels is not a relay’s, or of a newer release; name another prefix';
    throw new Failure('StorageFailed', message);
  }
  return { epoch: value.epoch, hash: halfSipHash(value.key), said };
}

function isCluster(value: unknown): value is { readonly epoch: string; readonly key: readonly [number, number] } {
  const { v, epoch, key } = Object(value) as Readonly<Record<string, unknown>>;
  const isKey = Array.isArray(key) && key.length === 2 && key.every((word) => Number.isInteger(word));
  return v === 1 && typeof epoch === 'string' && isKey;
}

function channelIn(head: string): string | undefined {
  const { channel } = Object(parsed(head)) as Readonly<Record<string, unknown>>;
  return typeof channel === 'string' ? channel : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
