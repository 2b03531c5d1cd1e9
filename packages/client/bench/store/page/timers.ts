// Counts the timers that a thread sets.

/** Counts from here on; answers how many there were so far. */
export function countTimers(): () => number {
  let set = 0;
  const counted = <Timer extends typeof setTimeout | typeof setInterval>(real: Timer): Timer =>
    new Proxy(real, {
      apply(target, self, args) {
        set += 1;
        return Reflect.apply(target, self, args);
      },
    });
  globalThis.setTimeout = counted(globalThis.setTimeout);
  globalThis.setInterval = counted(globalThis.setInterval);
  return () => set;
}
