// The application's side of the engine: whoever started it, told of what happens, and never in the way of it.
import { Failure, failureToJson, toFailure } from '../failure.ts';
import type { Delivery, EngineListener, EngineStatus } from './engine.ts';

/** Whoever listens to an engine. Telling it never throws: what goes wrong is reported to it. */
export interface Audience {
  /** @throws Failure `Internal` when somebody listens already */
  begin(listener: EngineListener): void;
  /** @throws Failure `Internal` while nobody listens */
  listener(): EngineListener;
  deliver(batch: readonly Delivery[]): Promise<void>;
  dropped(channel: string, reason: string, events: number): void;
  status(status: EngineStatus): void;
  report(failure: Failure): void;
}

/** Makes an engine's audience. Once the signal has aborted, failures to tell it something are its own affair. */
export function createAudience(signal: AbortSignal): Audience {
  let listening: EngineListener | undefined;

  return {
    begin(listener) {
      if (listening !== undefined) throw new Failure('Internal', 'the engine was started twice');
      listening = listener;
    },
    listener() {
      if (listening === undefined) throw new Failure('Internal', 'the engine was asked before it was started');
      return listening;
    },
    deliver,
    dropped: (channel, reason, events) => void deliver([{ kind: 'dropped', channel, reason, events }]),
    status: (status) => void attempt(() => listening?.status(status)),
    report,
  };

  function deliver(batch: readonly Delivery[]): Promise<void> {
    return attempt(async () => void (await listening?.deliver(batch)));
  }

  async function attempt(call: () => void | Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      if (!signal.aborted) report(toFailure(error));
    }
  }

  function report(failure: Failure): void {
    void tellOf(failure);
  }

  async function tellOf(failure: Failure): Promise<void> {
    try {
      await listening?.report(failureToJson(failure));
    } catch {
      // A listener that cannot even be told of a failure is gone; there is nobody left to tell.
    }
  }
}
