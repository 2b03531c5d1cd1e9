// An attempt's abort signal, made when somebody first asks for it: most handlers are done before anybody does.

/** As an `AbortController`, which costs more than all the rest of a quick attempt. A class, since literals with getters cost as much. */
export class Abort {
  #controller: AbortController | undefined;

  get signal(): AbortSignal {
    return this.#made().signal;
  }

  /** Who asks for the signal later finds it aborted. */
  abort(reason: unknown): void {
    this.#made().abort(reason);
  }

  #made(): AbortController {
    return (this.#controller ??= new AbortController());
  }
}
