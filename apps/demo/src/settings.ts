// What the page's address says: `?relay=http://127.0.0.1:8788&user=bob&channel=team&rate=5`.
import { Failure } from '@godwit/core';

/** How this page was opened. */
export interface Settings {
  /** The relay's URL; by default it serves this page. */
  readonly relay: string;
  /** Whose board: each user has a database of their own on a device. */
  readonly user: string;
  /** The channel of what is published by hand. */
  readonly board: string;
  /** The channel of GitHub's events. */
  readonly github: string;
  /** Events a second that this page replays. */
  readonly rate: number;
}

/** The most events a second: more is no longer read by anyone. */
const rateMax = 20;
/** Slow enough to read, quick enough to show that the board is alive. */
const rateDefault = 1;

/**
 * Reads the page's address.
 *
 * @throws Failure `InvalidOptions` when the relay is no web address
 */
export function readSettings(address: URL): Settings {
  const { searchParams: query } = address;
  const relay = query.get('relay') ?? address.origin;
  if (!URL.canParse(relay) || !/^https?:$/.test(new URL(relay).protocol)) {
    throw new Failure('InvalidOptions', `?relay= is “${relay}”; it must be a web address, as http://127.0.0.1:8788`);
  }
  const channel = query.get('channel');
  const rate = Number(query.get('rate') ?? rateDefault);
  return {
    relay: new URL(relay).href.replace(/\/$/, ''),
    user: query.get('user') ?? 'guest',
    board: channel ?? 'board',
    github: channel === null ? 'github' : `${channel}-github`,
    rate: Number.isFinite(rate) ? Math.min(Math.max(rate, 0), rateMax) : rateDefault,
  };
}
