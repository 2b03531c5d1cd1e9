// What a browser's database answers when it fails, said so that a developer knows what to do.
import { Failure } from '@godwit/core';

/** A failed transaction as a failure. `what` says what was tried. */
export function storageFailure(what: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  const name = nameOf(error);
  return new Failure('StorageFailed', `could not ${what}: ${reasonOf(name, error)}`, { cause: error });
}

/** The name that a platform gives to an error; messages differ between browsers, names do not. */
export function nameOf(error: unknown): string {
  return error instanceof Error || error instanceof DOMException ? error.name : '';
}

/** The name of our own for a transaction that ended with its connection, and did not say how. */
export const cutOff = 'CutOffError';

/** Whether the transaction did surely not commit for want of a connection, so that another may be tried. */
export function isLostConnection(error: unknown): boolean {
  // InvalidState: the transaction could not even begin. The others: it was ended from outside, with all it wrote.
  return ['InvalidStateError', 'AbortError', 'UnknownError', 'TransactionInactiveError'].includes(nameOf(error));
}

function reasonOf(name: string, error: unknown): string {
  switch (name) {
    case 'QuotaExceededError':
      return 'the browser grants no more room. Free some, or ask for more by navigator.storage.persist(); nothing was stored.';
    case 'DataCloneError':
      return 'a payload holds what cannot be copied; is it plain JSON? Nothing was stored.';
    case 'VersionError':
      return 'a newer release has taken the database; reload the page.';
    default: {
      const message = error instanceof Error || error instanceof DOMException ? error.message : String(error);
      return `the browser's database answered ${name === '' ? 'an error' : name}: ${message}`;
    }
  }
}
