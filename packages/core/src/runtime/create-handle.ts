// What an application holds: checks and publishes on its thread, hears on its thread, and leaves the rest to the engine.
import { Failure, failureFromJson, toFailure } from '../failure.ts';
import type { EventDefinition, EventDefinitions } from '../event/define.ts';
import type { World } from '../ports/world.ts';
import type { Engine, EngineStatus } from './engine.ts';
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

  const hello = await engine.start({
    deliver(batch) {
      for (const delivery of batch) handlers?.dispatch(delivery);
    },
    status(status) {
      early = status;
      board?.update(status);
    },
    report: (failure) => report(failureFromJson(failure)),
  });
  const made = createStatusBoard(hello, channels, new Date(world.now()).toISOString());
  const { status, tally } = made;
  board = made;
  if (early !== undefined) board.update(early);
  handlers = createHandlers({ definitions, tally, report });
  const live = handlers;
  const publisher = createPublisher({ definitions, engine, world, channel: channels[0] ?? 'default' });

  return {
    async publish(event, data, options = {}) {
      try {
        if (closing !== undefined) throw closed('publish');
        const receipt = await publisher.publish(typeof event === 'string' ? event : event.name, data, options);
        tally.published(1);
        return receipt;
      } catch (error) {
        tally.refused();
        throw error;
      }
    },
    on(pattern, handler, options = {}) {
      if (closing !== undefined) throw closed('on');
      return live.on(pattern, handler, options);
    },
    status,
    pause: () => setPaused(true),
    resume: () => setPaused(false),
    close() {
      closing ??= close();
      return closing;
    },
  };

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

  function report(failure: Failure): void {
    try {
      parts.report(failure);
    } catch {
      // A throwing reporter harms nobody, and there is no other to tell.
    }
  }
}

function closed(what: string): Failure {
  return new Failure('Closed', `${what} was called on a closed runtime; create another`);
}
