// Work on stored rows, written once for stores that answer at once (memory, SQLite) and for those that answer later (IndexedDB).

/** What a store answers: at once, or when its request has been served. */
export type Answer<Value> = Value | Promise<Value>;

/** Work within one transaction. It pauses only where an answer is not there yet. */
export type Steps<Result> = Generator<Promise<unknown>, Result, void>;

/** Takes several answers that were asked for together. */
export function* all<Value>(asked: readonly Answer<Value>[]): Steps<Value[]> {
  const answers: Value[] = [];
  const late: Promise<void>[] = [];
  for (const [index, answer] of asked.entries()) {
    if (answer instanceof Promise) {
      late.push(answer.then((value) => void (answers[index] = value)));
    } else {
      answers[index] = answer;
    }
  }
  if (late.length > 0) yield Promise.all(late);
  return answers;
}

/** Takes one answer. */
export function* one<Value>(asked: Answer<Value>): Steps<Value> {
  for (const value of yield* all([asked])) return value;
  throw new TypeError('the answer is not there yet: whoever drives the steps must wait for what they yield');
}

/** Does all of it now: for a store whose every answer is there at once. */
export function doNow<Result>(steps: Steps<Result>): Result {
  const { done, value } = steps.next();
  if (done !== true) throw new TypeError('a store that answers later needs doLater');
  return value;
}

/** Does it as the answers come. */
export async function doLater<Result>(steps: Steps<Result>): Promise<Result> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    await value;
  }
}
