// A worker, made at once, and whatever goes wrong with it before anybody listens.

/** A worker that may have failed already. */
export interface StartedWorker {
  readonly worker: Worker;
  /** Calls back when the worker cannot be loaded or throws, also when it did so before this was called. */
  failed(told: (event: ErrorEvent) => void): void;
}

/** Makes a worker and listens. What keeps it from being made is thrown. */
export function startWorker(make: () => Worker): StartedWorker {
  const worker = make();
  let early: ErrorEvent | undefined;
  let told: ((event: ErrorEvent) => void) | undefined;
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    early ??= event;
    told?.(event);
  });
  return {
    worker,
    failed(tell) {
      told = tell;
      if (early !== undefined) tell(early);
    },
  };
}
