// Times what runs on the page's thread on our behalf: the handlers of workers' messages, with the promises that they settle.

/** So many turns of promises are counted to a callback: more than a batch takes from its message to the last handler. */
const turns = 32;

/** Times callbacks while it is told to. */
export interface CallbackTimes {
  begin(): void;
  /** Times a callback of the caller's own. */
  time(callback: () => void): void;
  /** Answers what each took, in milliseconds. */
  end(): readonly number[];
}

/** Times the message handlers of every worker that is made from here on. */
export function timeCallbacks(): CallbackTimes {
  let samples: number[] | undefined;
  const time = (callback: () => void): void => {
    const begun = performance.now();
    callback();
    void settle(begun);
  };
  const settle = async (begun: number): Promise<void> => {
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    samples?.push(performance.now() - begun);
  };
  Worker.prototype.addEventListener = new Proxy(Worker.prototype.addEventListener, {
    apply(target, self, [type, listener, ...rest]: [string, unknown, ...unknown[]]) {
      if (type !== 'message' || typeof listener !== 'function')
        return Reflect.apply(target, self, [type, listener, ...rest]);
      const timedListener = (event: unknown): void => time(() => void Reflect.apply(listener, self, [event]));
      return Reflect.apply(target, self, [type, timedListener, ...rest]);
    },
  });
  return {
    begin() {
      samples = [];
    },
    time,
    end() {
      const all = samples ?? [];
      samples = undefined;
      return all;
    },
  };
}
