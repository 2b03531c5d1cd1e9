// What an application hands in beside the event, checked where types cannot: plain JavaScript is told at once, and by name.
import { Failure, textOf } from '../failure.ts';

/** @throws Failure `InvalidOptions` unless `isGood` */
export function need(isGood: boolean, what: string, got: unknown): void {
  if (!isGood) throw new Failure('InvalidOptions', `${what}; got ${textOf(got)}`);
}

/** The options. @throws Failure `InvalidOptions` for what are none, and for a signal that cannot abort */
export function given<Options extends object>(options: Options): Options {
  need(typeof options === 'object' && options !== null, 'options are an object', options);
  const signal = 'signal' in options ? options.signal : undefined;
  need(!signal || 'throwIfAborted' in Object(signal), '`signal` is an AbortSignal', signal);
  return options;
}
