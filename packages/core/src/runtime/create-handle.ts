// What an application holds: checks and publishes on its thread, hears on its thread, and leaves the rest to the engine.
import { Failure, failureFromJson, toFailure } from '../failure.ts';
import type { EventDefinition, EventDefinitions } from '../event/define.ts';
import type { World } from '../ports/world.ts';
import type { Engine, EngineHello, EngineStatus } from './engine.ts';
import { createHandlers, type Handlers } from './handlers.ts';
import { createPublisher } from './publisher.ts';
import type { Runtime } from './runtime.ts';
import { createStatusBoard, type StatusBoard } from './status.ts';

/** What a handle is made of. */
export interface HandleParts<Events extends EventDefinitions> {
  readonly engine: Engine;
  readonly events: Events;
  readonly world: World;
  /** The channels that are read; the first is where an event goes that names none. */
  readonly channels: readonly string[];
  /** Hears of failures that nobody awaits: a handler's, an arriving payload's, the store's. */
  readonly report: (failure: Failure) => void;
}

/**
 * Starts the engine and answers the runtime over it.
 *
 * @throws Failure whatever kept the engine from starting
 */
export async function createHandle<const Events extends EventDefinitions>(
  parts: HandleParts<Events>,
): Promise<Runtime<Events>> {
  const { engine, world, channels } = parts;
  const definitions = new Map<string, EventDefinition<string, unknown, unknown>>(Object.entries(parts.events));
  // Set once the engine has said hello; before that it has nothing to say that a board could show.
  let board: StatusBoard | undefined;
  let handlers: Handlers | undefined;
  let early: EngineStatus | undefined;
  let closing: Promise<void> | undefined;

  const hello = await started();
  const made = createStatusBoard({ hello, channels, since: new Date(world.now()).toISOString(), report });
  const { status, tally } = made;
  board = made;
  if (early !== undefined) board.update(early);
  handlers = createHandlers({ definitions, channels: new Set(channels), tally, report });
  const live = handlers;
  const publisher = createPublisher({ definitions, engine, world, channel: channels[0] ?? 'default' });

  return {
    async publish(event, ...[data, options = {}]) {
      try {
        if (closing !== undefined) throw closed('publish');
        const receipt = await publisher.publish(nameOf(event), data, options);
        tally.published(1);
        return receipt;
      } catch (error) {
        tally.refused();
        throw error;
      }
    },
    on(pattern, handler, options = {}) {
      if (closing !== undefined) throw closed('on');
      return live.on(nameOf(pattern), handler, options);
    },
    status,
    pause: () => setPaused(true),
    resume: () => setPaused(false),
    close() {
      closing ??= close();
      return closing;
    },
  };

  async function started(): Promise<EngineHello> {
    try {
      return await engine.start({
        deliver(batch) {
          for (const delivery of batch) handlers?.dispatch(delivery);
        },
        status(status) {
          early = status;
          board?.update(status);
        },
        report: (failure) => report(failureFromJson(failure)),
      });
    } catch (error) {
      // What it was made of is its own to close, also when it never began.
      await engine.close().catch(report);
      throw error;
    }
  }

  /** The name; a definition must be the very one that this runtime knows, since its schema and channel count. */
  function nameOf(event: string | EventDefinition): string {
    if (typeof event === 'string') return event;
    if (definitions.get(event.name) === event) return event.name;
    throw new Failure(
      'UnknownEvent',
      `this definition of "${event.name}" is not the one among the events of this runtime`,
    );
  }

  async function close(): Promise<void> {
    await publisher.settled();
    live.clear();
    await engine.close();
    made.update({ connection: 'closed' });
  }

  function setPaused(paused: boolean): void {
    if (closing !== undefined) throw closed(paused ? 'pause' : 'resume');
    engine.setPaused(paused).catch((error: unknown) => report(toFailure(error)));
  }

  function report(error: unknown): void {
    try {
      parts.report(toFailure(error));
    } catch {
      // A throwing reporter harms nobody, and there is no other to tell.
    }
  }
}

function closed(what: string): Failure {
  return new Failure('Closed', `${what} was called on a closed runtime; create another`);
}
