// Limits other than the defaults: checked once, where whoever runs the relay has said them.
import { Failure } from '@godwit/core';
import { defaultLimits, type Limits } from '@godwit/core/protocol';

/** Timers hold 31 bits of milliseconds, some 24 days: a longer one goes off at once, again and again. */
const timerMsMax = 2 ** 31 - 1;
/** Those that a timer waits for. */
const waited: ReadonlySet<string> = new Set<keyof Limits>([
  'headersMsMax',
  'requestMsMax',
  'waitMsMax',
  'heartbeatMs',
  'presenceMs',
]);

/**
 * The defaults of PROTOCOL.md, rule 10, but for what is given.
 *
 * @param where what it was given by, as the failure calls it
 * @throws Failure `InvalidOptions`
 */
export function limitsWith(given: Readonly<Partial<Record<keyof Limits, unknown>>>, where: string): Limits {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaultLimits, name)) throw invalid(`${where} has "${name}", which is no limit`);
    const got = `${where} has "${name}": ${JSON.stringify(value)}`;
    if (typeof value !== 'number' || !(value > 0)) throw invalid(`${got}; expected a number above 0`);
    if (waited.has(name) && value > timerMsMax) throw invalid(`${got}; ${timerMsMax} ms, some 24 days, are the most`);
  }
  return { ...defaultLimits, ...(given as Partial<Limits>) };
}

function invalid(message: string): Failure {
  return new Failure('InvalidOptions', message);
}
