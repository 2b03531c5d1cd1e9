// dispatch, second half: each delivery to every live handler that wants it, in the order it asked for, counted.
import { Failure, toFailure } from '../failure.ts';
import type { CloudEvent } from '../event/cloudevent.ts';
import type { EventDefinition } from '../event/define.ts';
import { compilePattern } from '../event/pattern.ts';
import { readEvent, type EventReading } from '../event/read.ts';
import type { LogEntry } from '../ports/store.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { Stop } from '../ports/world.ts';
import type { Delivery } from './engine.ts';
import { need } from './given.ts';
import type { Tally } from './status.ts';
import { assertReadable } from './reading-order.ts';
import type { Delivered, OnOptions } from './runtime.ts';
import { tell } from './tell.ts';

/** A handler of whatever event: the runtime's types have checked which. */
export type AnyHandler = (event: never) => unknown;

/** How many types and versions that this release does not know are told of; strangers may write any number. */
const toldMax = 100;
/** How much of the message tells one from another. */
const toldLength = 300;

/** The live handlers of one tab. */
export interface Handlers {
  on(pattern: string, handler: AnyHandler, options: OnOptions): Stop;
  /** Hands one delivery to whoever wants it. Never throws. */
  dispatch(delivery: Delivery): void;
  /** Whether there is any. */
  readonly listening: boolean;
  clear(): void;
}

interface Registration {
  /** False once it was stopped, also in the midst of a dispatch. */
  live: boolean;
  readonly pattern: string;
  readonly wants: (type: string) => boolean;
  readonly handler: AnyHandler;
  readonly order: 'local' | 'relay';
  readonly channel: string | undefined;
  readonly onGap: OnOptions['onGap'];
  readonly stop: Stop;
}

/** Makes the handlers of a runtime that knows `definitions`. */
export function createHandlers(parts: {
  readonly definitions: ReadonlyMap<string, EventDefinition<string, unknown, unknown>>;
  /** Those that this tab reads. The device's log may hold others, which other tabs read. */
  readonly channels: ReadonlySet<string>;
  readonly tally: Tally;
  readonly telemetry?: Telemetry | undefined;
  readonly report: (failure: Failure) => void;
}): Handlers {
  const { definitions, channels, tally, telemetry, report } = parts;
  // Replaced on every change, never changed: a handler may add and remove handlers while it runs.
  let registrations: readonly Registration[] = [];
  const told = new Set<string>();

  return {
    on(pattern, handler, { order = 'local', channel, onGap, signal }) {
      need(typeof handler === 'function', `the handler of "${pattern}" is a function`, handler);
      assertReadable({ order, channel, onGap }, channels);
      const registration: Registration = {
        live: true,
        pattern,
        wants: compilePattern(pattern),
        handler,
        order,
        channel,
        onGap,
        stop,
      };
      function stop(): void {
        signal?.removeEventListener('abort', stop);
        registration.live = false;
        registrations = registrations.filter((other) => other !== registration);
      }
      if (signal?.aborted === true) return stop;
      signal?.addEventListener('abort', stop, { once: true });
      registrations = [...registrations, registration];
      return stop;
    },
    get listening() {
      return registrations.length > 0;
    },
    dispatch(delivery) {
      switch (delivery.kind) {
        case 'passed':
          return;
        case 'gap':
          return tellGap(delivery);
        case 'dropped':
          return dropped(delivery.reason, delivery.events);
        case 'ephemeral':
          // Who wants to hear of the runtime's own doings defines them: to others they are no unknown events.
          if (delivery.builtin === true && !definitions.has(delivery.event.type)) return;
          return hand(delivery.event, { channel: delivery.channel, offset: null, position: null }, () => true);
        case 'event': {
          const { channel, offset, position, echo } = delivery;
          // An echo was heard in local order when it was published; an own event has no place in the relay's order yet.
          return hand(delivery.event, { channel, offset, position }, ({ order }) =>
            order === 'local' ? !echo : offset !== null,
          );
        }
      }
    },
    clear() {
      for (const { stop } of registrations) stop();
    },
  };

  function hand(
    event: CloudEvent,
    place: Pick<Delivered, 'channel' | 'offset' | 'position'>,
    inOrder: (registration: Registration) => boolean,
  ): void {
    const wanting = registrations.filter(
      (registration) =>
        inOrder(registration) &&
        (registration.channel === undefined || registration.channel === place.channel) &&
        registration.wants(event.type),
    );
    if (wanting.length === 0 || !channels.has(place.channel)) return;
    const reading = readEvent(definitions, event);
    if (reading.kind !== 'event') return passOver(event, reading, wanting.length);
    const delivered: Delivered = { ...event, ...place, data: reading.data };
    for (const registration of wanting) if (registration.live) call(registration, delivered);
  }

  /** What cannot be read is invalid in itself, each time; what a later release may read is told of once. */
  function passOver(event: CloudEvent, reading: Exclude<EventReading, { kind: 'event' }>, handlers: number): void {
    const { kind, failure } = reading;
    dropped(kind === 'deferred' ? reading.why : kind, handlers);
    if (kind === 'deferred') {
      // It names the type and the version, and no event. A stranger's type may be long.
      const what = failure.message.slice(0, toldLength);
      if (told.has(what) || told.size >= toldMax) return;
      told.add(what);
    }
    report(
      new Failure(failure.name, `the event ${event.id} was not handed over: ${failure.message}`, { cause: failure }),
    );
  }

  function call({ pattern, handler }: Registration, event: Delivered): void {
    tally.delivered();
    try {
      const run = (): unknown => (handler as (event: Delivered) => unknown)(event);
      const result =
        telemetry === undefined
          ? run()
          : telemetry.watch({ name: 'handle', event, labels: { handler: pattern, 'handler.kind': 'live' } }, run);
      // A promise of whatever house, or realm.
      if (typeof result === 'object') Promise.resolve(result).catch((error: unknown) => failed(event, error));
    } catch (error) {
      failed(event, error);
    }
  }

  function dropped(reason: string, events: number): void {
    tally.dropped(reason, events);
    telemetry?.count('dropped', events, { reason });
  }

  function failed(event: Delivered, error: unknown): void {
    tally.failed();
    const { message } = toFailure(error);
    report(
      new Failure('HandlerFailed', `a handler of "${event.type}" failed on the event ${event.id}: ${message}`, {
        cause: error,
      }),
    );
  }

  function tellGap({ channel, gap }: Extract<LogEntry, { kind: 'gap' }>): void {
    if (!channels.has(channel)) return;
    tally.gap(channel, gap);
    for (const registration of registrations) {
      const { onGap } = registration;
      if (onGap === undefined || (registration.channel !== undefined && registration.channel !== channel)) continue;
      void tell(`onGap for "${channel}"`, () => onGap({ channel, ...gap }), report);
    }
  }
}
