// What the contract of Tabs waits with.

/** Opened once, and then open. */
export function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, opened: promise };
}

/** A signal that never aborts. */
export function never(): AbortSignal {
  return new AbortController().signal;
}
