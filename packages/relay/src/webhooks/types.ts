// Webhooks as the routes see them: who registered what, what became of it, and what a person does with what failed for good.
import type { CloudEvent } from '@godwit/core';

/** What is asked for when one is registered. */
export interface WebhookRequest {
  readonly url: string;
  /** Patterns over event types; none means all. */
  readonly types: readonly string[];
  /** Signs what is sent, as `whsec_` and base64; one is made where it is not given. */
  readonly secret: string | undefined;
  /** An offset, `earliest` or `latest`: events from behind it are sent. */
  readonly after: string;
}

/** A webhook in numbers, and where it goes. Its secret is told once, when it is made. */
export interface WebhookView {
  readonly id: string;
  readonly channel: string;
  readonly url: string;
  readonly types: readonly string[];
  /** `gone`: its receiver answered 410, and gets nothing any more until it is enabled again. */
  readonly state: 'active' | 'gone';
  /** RFC 3339. */
  readonly createdAt: string;
  /** Until when the secret before the last signs, too; absent where there is none. */
  readonly previousSecretUntil?: string;
  /** Events that its receiver has acknowledged. */
  readonly delivered: number;
  /** Attempts that failed. */
  readonly failed: number;
  /** Events that are to be tried again. */
  readonly waiting: number;
  /** Events that were given up. */
  readonly dead: number;
  /** Events that came to nothing, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** An event that was given up. */
export interface DeadLetter {
  readonly id: string;
  readonly event: CloudEvent;
  readonly attempts: number;
  readonly failure: { readonly name: string; readonly message: string } | null;
  /** RFC 3339. */
  readonly at: string;
}

/** The webhooks of a relay. Each method rejects with `NotFound` for one that the channel does not have. */
export interface Webhooks {
  /** @throws Failure `InvalidRequest`, `InvalidOffset`, `RateLimited` when the channel has as many as it may */
  register(channel: string, request: WebhookRequest): Promise<WebhookView & { readonly secret: string }>;
  list(channel: string): Promise<readonly WebhookView[]>;
  get(channel: string, id: string): Promise<WebhookView>;
  remove(channel: string, id: string): Promise<void>;
  /** A new secret. The one before signs beside it for a while, so that its receiver can change over. */
  rotate(channel: string, id: string, secret: string | undefined): Promise<WebhookView & { readonly secret: string }>;
  /** Sends again to a receiver that was gone. */
  enable(channel: string, id: string): Promise<WebhookView>;
  dead(
    channel: string,
    id: string,
    page: { readonly after: string | undefined; readonly limit: number },
  ): Promise<{ readonly dead: readonly DeadLetter[]; readonly next: string | null }>;
  /** Sends dead letters again, or forgets them: one, or all. Answers how many. */
  change(channel: string, id: string, change: 'retry' | 'discard', letter: string | undefined): Promise<number>;
}

/** What is sent to a receiver. */
export interface Delivery {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
}

/** What a receiver answered. */
export interface Receipt {
  readonly status: number;
  /** The header `Retry-After`. */
  readonly retryAfter?: string | undefined;
}

/**
 * Sends. **Law.** It follows no redirect, reads no more of an answer than its head, connects to no private address unless
 * that was allowed, and ends when the signal aborts.
 */
export type Send = (delivery: Delivery) => Promise<Receipt>;

/** What is stored of a webhook. */
export interface WebhookRecord {
  readonly id: string;
  readonly channel: string;
  readonly url: string;
  readonly types: readonly string[];
  readonly secret: string;
  readonly previous: { readonly secret: string; readonly until: number } | null;
  readonly state: WebhookView['state'];
  readonly createdAt: number;
  /** The epoch of the log that it reads, and the how manieth of its life that is. */
  readonly epoch: string;
  readonly generation: number;
  /** The position behind which it began. */
  readonly start: number;
  /** Events that were trimmed before they were sent. */
  readonly missed: number;
}

/** Where webhooks are kept. */
export interface WebhookTable {
  all(): readonly WebhookRecord[];
  put(record: WebhookRecord): void;
  remove(id: string): void;
}
