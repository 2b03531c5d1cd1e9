// What an application holds: checks and publishes on its thread, hears on its thread, and leaves the rest to the engine.
import { Failure, failureFromJson, toFailure } from '../failure.ts';
import type { EventDefinition, EventDefinitions } from '../event/define.ts';
import type { Measure } from '../event/json.ts';
import { isPattern } from '../event/pattern.ts';
import { guarded, type Logger, type Reporter } from '../ports/logger.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { World } from '../ports/world.ts';
import type { Engine, EngineHello, EngineStatus } from './engine.ts';
import { given } from './given.ts';
import { createHandlers, type Handlers } from './handlers.ts';
import { createHistory, type History } from './history.ts';
import { createPublisher } from './publisher.ts';
import { createRelaying } from './relaying.ts';
import type { Published, Receipt } from './publishing.ts';
import type { Runtime } from './runtime.ts';
import { createStatusBoard, type StatusBoard } from './status.ts';
import { asyncDispose, subscription } from './subscription.ts';
import type { AnyPublish } from './tasks/attempt.ts';
import type { MakeTaskSide } from './tasks/task-side.ts';
import type { TaskSide } from './tasks/tasks.ts';
import type { TaskOptions } from './tasks/types.ts';

/** Options that were not given: a burst needs no object for each. */
const nothing = {};

/** What a handle is made of. */
export interface HandleParts<Events extends EventDefinitions> {
  readonly engine: Engine;
  readonly events: Events;
  readonly world: World;
  /** The channels that are read; the first is where an event goes that names none. */
  readonly channels: readonly string[];
  /** Gets a line for each failure that nobody awaits: a handler's, an arriving payload's, the store's. */
  readonly logger?: Logger | undefined;
  /** Hears of those that are final. */
  readonly report?: Reporter | undefined;
  readonly telemetry?: Telemetry | undefined;
  readonly tasks?: TaskOptions | undefined;
  /** Closes the runtime when it aborts. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts the engine and answers the runtime over it. Durable handlers are whatever `makeTasks` makes of them; `measure` is
 * `utf8Length`, or what tells the same sooner where this runs.
 *
 * @throws Failure whatever kept the engine from starting
 */
export async function openHandle<const Events extends EventDefinitions>(
  parts: HandleParts<Events>,
  makeTasks: MakeTaskSide,
  measure: Measure,
): Promise<Runtime<Events>> {
  const { engine, world, channels, telemetry } = parts;
  const report = guarded(parts);
  const definitions = new Map<string, EventDefinition<string, unknown, unknown>>(Object.entries(parts.events));
  // Set once the engine has said hello; before that it has nothing to say that a board could show.
  let board: StatusBoard | undefined;
  let handlers: Handlers | undefined;
  let early: EngineStatus | undefined;
  let closing: Promise<void> | undefined;
  let destroying: Promise<void> | undefined;
  let tasks: TaskSide | undefined;
  let history: History | undefined;
  const life = new AbortController();
  const relaying = createRelaying(engine);
  const unhandled = new Set<string>();

  const hello = await started();
  const made = createStatusBoard({
    hello,
    channels,
    since: new Date(world.now()).toISOString(),
    tasks: parts.tasks?.start === false ? 'held' : 'running',
    report,
  });
  const { status, tally } = made;
  board = made;
  if (early !== undefined) board.update(early);
  handlers = createHandlers({ definitions, channels: new Set(channels), tally, telemetry, report });
  const live = handlers;
  // The outbox is the device's: one of its tabs tells of it.
  const stopGauge = telemetry?.gauge('pending', () => {
    const { role, pending } = status.get();
    return role === 'follower' ? [] : [{ value: pending }];
  });
  const publisher = createPublisher({
    definitions,
    engine,
    world,
    channel: channels[0] ?? 'default',
    deviceId: hello.deviceId,
    tally,
    relayed,
    measure,
  });
  const reading = createHistory({ engine, definitions, channels: new Set(channels), tally, signal: life.signal });
  history = reading;

  const publish: AnyPublish = (event, data, options) => {
    if (telemetry === undefined) return published(event, data, options);
    const labels = { 'event.type': typeof event === 'string' ? event : Object(event).name };
    return telemetry.watch({ name: 'publish', parent: options.traceparent, labels }, async (span) => {
      const { traceparent = options.traceparent } = span;
      const receipt = await published(event, data, { ...given(options), traceparent });
      span.set({ 'event.id': receipt.id, channel: receipt.channel });
      return receipt;
    });
  };
  const published: AnyPublish = (event, data, options) => {
    try {
      // What a durable handler still has to say while it ends is part of what is being ended.
      if (closing !== undefined && tasks?.state !== 'stopping') throw closed('publish');
      const name = nameOf(event);
      const stored = publisher.publish(name, data, given(options));
      return parts.tasks?.unhandled === 'warn' ? warned(name, stored) : stored;
    } catch (error) {
      tally.refused(1);
      // A getter of the payload may throw, and so does whatever is read of a draft whose time is over.
      return Promise.reject(toFailure(error, 'InvalidPayload'));
    }
  };
  const work = makeTasks({
    engine,
    definitions,
    options: parts.tasks ?? {},
    channels: new Set(channels),
    world,
    publish,
    telemetry,
    report,
    changed: (tasks) => made.update({ tasks }),
  });
  tasks = work;
  const end = (release: () => Promise<void>): Promise<void> => (closing ??= close(release));
  const endNow = (): void => void end(() => engine.close()).catch((error: unknown) => report(error));
  parts.signal?.addEventListener('abort', endNow, { once: true, signal: life.signal });
  if (parts.signal?.aborted === true) {
    await end(() => engine.close());
    throw toFailure(parts.signal.reason, 'Closed');
  }

  return {
    publish: (event, ...said) => publish(event, said[0], said[1] ?? nothing),
    handle(pattern, name, handler, options = {}) {
      if (closing !== undefined) throw closed('handle');
      return subscription(work.handle(nameOf(pattern), name, handler, given(options)));
    },
    tasks: work.api,
    on(pattern, handler, options = {}) {
      if (closing !== undefined) throw closed('on');
      return subscription(live.on(nameOf(pattern), handler, given(options)));
    },
    events(pattern, options = {}) {
      if (closing !== undefined) throw closed('events');
      // The runtime's types have checked which events the pattern brings.
      return reading.read(nameOf(pattern), given(options)) as AsyncGenerator<never, void, undefined>;
    },
    status,
    relayed,
    flush: flushed,
    pause: () => setPaused(true),
    resume: () => setPaused(false),
    close: () => end(() => engine.close()),
    async destroy() {
      // The same again, or neither yet.
      if (closing !== destroying) throw closed('destroy');
      destroying = end(() => engine.destroy());
      await destroying;
    },
    [asyncDispose]: () => end(() => engine.close()),
  };

  async function relayed(event: Published, options: Parameters<Receipt['relayed']>[0] = nothing): Promise<void> {
    const { id, channel, position, offset }: Published = Object(event);
    const { signal } = given(options);
    // The relay has said which place it has.
    if (offset != null) return;
    if (id == null || channel == null || position == null) {
      throw misused(`the event ${id} has no id, channel or position: nobody confirms an ephemeral one`);
    }
    if (status.get().connection === 'none') throw misused('this runtime has no relay');
    await relaying.relayed({ id, channel, position }, signal);
  }

  /** What tabs tell each other of the outbox may be behind, or ahead; where they say that nothing waits, the disk is asked. */
  async function flushed(options: Parameters<Runtime<Events>['flush']>[0] = nothing): Promise<void> {
    const { signal } = given(options);
    for (;;) {
      signal?.throwIfAborted();
      if (closing !== undefined) throw closed('flush');
      await publisher.settled();
      const over = new AbortController();
      const { promise: changed, resolve } = Promise.withResolvers<void>();
      status.subscribe(resolve, { signal: over.signal });
      for (const other of [signal, life.signal]) {
        // It may have aborted while the disk was waited for.
        if (other?.aborted === true) resolve();
        other?.addEventListener('abort', () => resolve(), { once: true, signal: over.signal });
      }
      try {
        const { connection, pending } = status.get();
        if (connection === 'none') return;
        if (connection === 'closed') throw lost();
        if (pending === 0 && (await Promise.race([engine.waiting(), changed])) === 0) return;
        await changed;
      } finally {
        over.abort();
      }
    }
  }

  async function started(): Promise<EngineHello> {
    try {
      return await engine.start({
        deliver(batch) {
          for (const delivery of batch) handlers?.dispatch(delivery);
          history?.wake();
          return handlers?.listening === true;
        },
        status(status) {
          early = status;
          tasks?.update(status);
          board?.update(status);
          if (status.connection === 'closed') {
            relaying.close(lost());
            history?.lose(lost());
          } else relaying.changed();
        },
        report: (failure) => report(failureFromJson(failure)),
        run: (...args) => tasks?.host.run(...args),
        drop: (...args) => tasks?.host.drop(...args),
        finish: (...args) => tasks?.host.finish(...args),
        keys: (...args) => tasks?.host.keys(...args) ?? [],
        alive: () => undefined,
      });
    } catch (error) {
      // What it was made of is its own to close, also when it never began.
      await engine.close().catch((error: unknown) => report(error));
      throw error;
    }
  }

  /**
   * The name, or a pattern; a definition must be the very one that this runtime knows, since its schema and channel count. A
   * name that it does not know is a slip of the pen: nobody would ever hear it.
   */
  function nameOf(event: string | EventDefinition): string {
    if (typeof event === 'string') {
      if (definitions.has(event) || isPattern(event)) return event;
      throw new Failure('UnknownEvent', `"${event}" is not among the events of this runtime; add it to \`events\``);
    }
    const { name } = Object(event);
    if (name !== undefined && definitions.get(name) === event) return name;
    throw new Failure('UnknownEvent', `this definition of "${name}" is not the one among the events of this runtime`);
  }

  async function close(release: () => Promise<void>): Promise<void> {
    life.abort();
    stopGauge?.();
    await work.close();
    await publisher.settled();
    live.clear();
    relaying.close(closed('relayed'));
    await release();
    made.update({ connection: 'closed' });
  }

  async function warned(type: string, stored: Promise<Receipt>): Promise<Receipt> {
    const receipt = await stored;
    warnUnhandled(type);
    return receipt;
  }

  /** It stays in the log: a handler that a later release defines from the `earliest` event gets it. */
  function warnUnhandled(type: string): void {
    if (work.handles(type) || unhandled.has(type)) return;
    unhandled.add(type);
    report(new Failure('UnknownEvent', `"${type}" was published, and no durable handler of this tab handles it`));
  }

  function setPaused(paused: boolean): void {
    if (closing !== undefined) throw closed(paused ? 'pause' : 'resume');
    engine.setPaused(paused).catch((error: unknown) => report(error));
  }
}

function misused(what: string): Failure {
  return new Failure('Misused', `relayed() waits for a relay, and ${what}`);
}

function lost(): Failure {
  return new Failure('Closed', "the device's log is lost to this tab; create another runtime");
}

function closed(what: string): Failure {
  return new Failure('Closed', `${what} was called on a closed runtime; create another`);
}
