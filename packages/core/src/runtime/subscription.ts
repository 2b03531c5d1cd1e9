// What a subscription answers: a function that ends it, which `using` calls as well.
import type { Stop } from '../ports/world.ts';

/** Ends a subscription when it is called, or when the block ends that it was declared in by `using`. */
export interface Subscription extends Stop {
  (): void;
  [Symbol.dispose](): void;
}

/**
 * Where an engine has no symbol of its own (WebKit), what compiles `using` for it looks for this one:
 * https://github.com/evanw/esbuild/blob/v0.25.0/internal/runtime/runtime.go (`__knownSymbol`).
 */
const dispose: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for('Symbol.dispose');
/** The same, for `await using`. */
export const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');

/** Lets `using` end what `stop` ends. */
export function subscription(stop: Stop): Subscription {
  return Object.assign(() => stop(), { [dispose]: () => stop() });
}
