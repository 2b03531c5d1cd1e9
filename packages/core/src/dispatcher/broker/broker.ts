// Events to transports: every subscriber is anything with `send` and `close`, and has a queue of its own.
import { toFailure } from '../../failure.ts';
import { ambientReport } from '../ambient.ts';
import type { DispatcherCounts, DispatcherOptions } from '../contract.ts';
import type { DropReason } from '../counts.ts';
import { createDispatcher } from '../dispatcher.ts';
import { quietly } from '../failures.ts';
import { type CloseOptions, closingMs, type HandlerOptions, need, needFunction } from '../options.ts';
import { dropNewest } from '../overflow.ts';

/** How many events wait for one subscriber: what a socket's own buffer holds of small events, several times. */
export const subscriberCapacity = 256;

/** A transport. `send` resolves, or returns, when the event has been handed over; then the next one is sent. */
export interface Subscriber<Event> {
  readonly send: (event: Event, type: string) => unknown;
  /** Called once, when it is disconnected, unsubscribed, or the broker closes. */
  readonly close?: ((reason: 'disconnected' | 'unsubscribed' | 'closed') => unknown) | undefined;
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

/** What a broker is made with: as a dispatcher. */
export type BrokerOptions = Pick<DispatcherOptions, 'world' | 'report' | 'held'>;

/** How a broker stands. */
export interface BrokerStats {
  /** Events that were accepted. */
  readonly published: number;
  /** Events that were meant for a subscriber, each subscriber counted: what the others, and what waits for one, add up to. */
  readonly passed: number;
  /** Handed to a transport, each subscriber counted. */
  readonly sent: number;
  /** Not wanted by a subscriber's filter. */
  readonly filtered: number;
  /** Not handed over because the subscriber was slow. */
  readonly skipped: number;
  /** `send` threw or rejected, or the filter did. */
  readonly failed: number;
  /** Subscribers that were disconnected for being slow. */
  readonly disconnected: number;
  /** Not handed over, by reason; `overflow` is what `skipped` says. `closed` has also, each once, those that were held when it closed. */
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Events that wait for a subscriber, or for the start. */
  readonly queueDepth: number;
  readonly subscriberCount: number;
  readonly subscribers: DispatcherCounts['handlers'];
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
  /**
   * Sends what waits, at most for `timeoutMs`, drops the rest, counted, and closes every subscriber.
   *
   * @throws Failure `InvalidOptions`; it is not closed then
   */
  close(options?: CloseOptions): Promise<void>;
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
export function createBroker<Event>(options?: BrokerOptions): Broker<Event> {
  const { report = ambientReport } = options ?? {};
  const { on, dispatch, start, counts, close } = createDispatcher(options);
  let disconnected = 0;
  let closing = false;

  return {
    subscribe(subscriber, options) {
      const { pattern = '**', capacity = subscriberCapacity, onSlow, filter, ...rest } = options ?? {};
      needFunction(subscriber.send);
      need(onSlow === undefined || onSlow === 'skip' || onSlow === 'disconnect', 'skip or disconnect', onSlow);
      let reason: 'disconnected' | 'unsubscribed' = 'unsubscribed';
      const stop = on(pattern, async (event, { type }) => subscriber.send(event as Event, type), {
        name: 'subscriber',
        ...rest,
        filter: filter as HandlerOptions<unknown>['filter'],
        capacity,
        overflow(mailbox, call) {
          dropNewest(mailbox, call);
          if (call.open || onSlow !== 'disconnect') return;
          disconnected += 1;
          reason = 'disconnected';
          stop();
        },
        async onStop() {
          try {
            await subscriber.close?.(closing ? 'closed' : reason);
          } catch (error) {
            await quietly(report, toFailure(error));
          }
        },
      });
      return stop;
    },
    publish: dispatch,
    start,
    stats() {
      const { published, held, dropped, handlers, total } = counts();
      const { passed, delivered, filtered, failed, pending, overflow, superseded, detached, closed, cancelled } = total;
      return {
        published,
        passed,
        sent: delivered,
        filtered,
        skipped: overflow,
        failed,
        disconnected,
        dropped: { overflow, superseded, detached, closed: closed + dropped, cancelled },
        queueDepth: held + pending,
        subscriberCount: handlers.length,
        subscribers: handlers,
      };
    },
    async close(options) {
      closingMs(options);
      closing = true;
      return close(options);
    },
  };
}
