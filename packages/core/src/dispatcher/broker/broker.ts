// Events to transports: every subscriber is anything with `send` and `close`, and has a queue of its own.
import { toFailure } from '../../failure.ts';
import type { World } from '../../ports/world.ts';
import { ambientAfter, ambientReport } from '../ambient.ts';
import type { HandlerCounts, DropReason } from '../counts.ts';
import { closeMs } from '../limits.ts';
import type { HandlerOptions } from '../options.ts';
import { createRegistry, type RegistryOptions } from '../registry.ts';

/** How many events wait for one subscriber: what a socket's own buffer holds of small events, several times. */
export const subscriberCapacity = 256;

/** A transport. `send` resolves, or returns, when the event has been handed over; then the next one is sent. */
export interface Subscriber<Event> {
  readonly send: (event: Event, type: string) => unknown;
  /** Called once, when it is disconnected, unsubscribed, or the broker closes. */
  readonly close?: (reason: 'disconnected' | 'unsubscribed' | 'closed') => unknown;
}

/** How a subscriber hears. */
export interface SubscribeOptions<Event> extends Pick<HandlerOptions<Event>, 'name' | 'signal' | 'filter'> {
  /** Which types; all by default. */
  readonly pattern?: string | undefined;
  /** How many events wait for it; {@link subscriberCapacity} by default. */
  readonly capacity?: number | undefined;
  /** What happens when it cannot keep up: `skip` (the default) drops the event, `disconnect` the subscriber. */
  readonly onSlow?: 'skip' | 'disconnect' | undefined;
}

/** What a broker is made with. */
export interface BrokerOptions {
  readonly world?: Pick<World, 'after'> | undefined;
  /** Hears of failing and slow subscribers; by default `console.error`. */
  readonly report?: RegistryOptions['report'] | undefined;
  /** True: events are held until `start`. */
  readonly held?: boolean | undefined;
}

/** How a broker stands. */
export interface BrokerStats {
  /** Events that were accepted. */
  readonly published: number;
  /** Handed to a transport, each subscriber counted. */
  readonly sent: number;
  /** Not handed over because the subscriber was slow. */
  readonly skipped: number;
  /** `send` threw or rejected. */
  readonly failed: number;
  /** Subscribers that were disconnected for being slow. */
  readonly disconnected: number;
  /** Not handed over, by reason; `overflow` is what `skipped` says. */
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
  /** Events that wait for a subscriber, or for the start. */
  readonly queueDepth: number;
  readonly subscriberCount: number;
  readonly subscribers: readonly (Readonly<HandlerCounts> & { readonly name: string })[];
}

/** Events to subscribers. */
export interface Broker<Event> {
  /**
   * Subscribes, before or after the start.
   *
   * @returns unsubscribe; it answers true once
   * @throws Failure `InvalidOptions`, `InvalidPattern`, `Closed`
   */
  subscribe(subscriber: Subscriber<Event>, options?: SubscribeOptions<Event>): () => boolean;
  /**
   * Hands the event to every subscriber's queue, and never waits for any of them.
   *
   * @throws Failure `Closed`, `QueueFull` (too many are held before the start)
   */
  publish(type: string, event: Event): void;
  /** Sends what was held, and from now on at once. */
  start(): void;
  stats(): BrokerStats;
  /** Sends what waits, at most for `timeoutMs`, drops the rest, counted, and closes every subscriber. */
  close(options?: { readonly timeoutMs?: number }): Promise<void>;
}

/**
 * Makes a broker.
 *
 * @example
 * ```ts
 * const broker = createBroker<Price>();
 * broker.subscribe({ send: (price) => socket.send(JSON.stringify(price)), close: () => socket.close() });
 * broker.publish('price.changed', { sku: 'A1', cents: 995 });
 * ```
 */
export function createBroker<Event>(options: BrokerOptions = {}): Broker<Event> {
  const { world, report = ambientReport, held } = options;
  const registry = createRegistry({ after: world?.after ?? ambientAfter, report, held });
  let disconnected = 0;
  let closing = false;

  return {
    subscribe(subscriber, { pattern = '**', capacity = subscriberCapacity, onSlow = 'skip', ...rest } = {}) {
      let reason: 'disconnected' | 'unsubscribed' | undefined;
      const stop = registry.on(pattern, async (event: Event, { type }) => subscriber.send(event, type), {
        name: 'subscriber',
        ...rest,
        capacity,
        overflow() {
          if (onSlow === 'disconnect') {
            disconnected += 1;
            reason = 'disconnected';
            stop();
          }
          return 'dropNewest';
        },
        async onStop() {
          try {
            await subscriber.close?.(reason ?? (closing ? 'closed' : 'unsubscribed'));
          } catch (error) {
            report(toFailure(error));
          }
        },
      });
      return stop;
    },
    publish: (type, event) => registry.dispatch(type, event),
    start: () => registry.start(),
    stats() {
      const { published, held, handlers, total } = registry.counts();
      const { delivered, failed, dropped, pending } = total;
      return {
        published,
        sent: delivered,
        skipped: dropped.overflow ?? 0,
        failed,
        disconnected,
        dropped,
        queueDepth: held + pending,
        subscriberCount: handlers.length,
        subscribers: handlers,
      };
    },
    close({ timeoutMs = closeMs } = {}) {
      closing = true;
      return registry.close(timeoutMs);
    },
  };
}
