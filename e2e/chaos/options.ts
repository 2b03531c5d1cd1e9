// What `npm run chaos` may be told.
import { parseArgs } from 'node:util';

/** Which relay is tried. */
export type RelayKind = 'node' | 'workerd';

/** How a run is. */
export interface Options {
  /** For how long faults strike; coming to rest takes some more. */
  readonly seconds: number;
  readonly seed: number;
  readonly relay: RelayKind;
  /** Events a second, of all who publish. */
  readonly rate: number;
  /** Tells of every fault when it strikes. */
  readonly timeline: boolean;
  /** Which faults strike, by what their kinds begin with; undefined: all. */
  readonly only: readonly string[] | undefined;
}

/** Which words it knows. */
export const usage =
  'npm run chaos -- [--seconds 60] [--seed N] [--relay node|workerd] [--rate 300] [--timeline] [--only "line,tab frozen"]\n' +
  '  --seconds  for how long faults strike\n' +
  '  --seed     which faults, and when; another each time unless it is said\n' +
  '  --relay    Node with SQLite, or Workers with Durable Objects\n' +
  '  --rate     events a second, of all who publish\n' +
  '  --timeline tells of every fault when it strikes, and when it is healed\n' +
  '  --only     the faults whose kinds begin with one of these\n';

/**
 * Reads the command line.
 *
 * @throws Error that says which option is wrong
 */
export function readOptions(args: readonly string[], randomSeed: () => number): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string' },
      relay: { type: 'string', default: 'node' },
      rate: { type: 'string', default: '300' },
      timeline: { type: 'boolean', default: false },
      only: { type: 'string' },
    },
  });
  const { relay, timeline } = values;
  if (relay !== 'node' && relay !== 'workerd') throw new Error(`--relay is node or workerd, got ${relay}`);
  return {
    relay,
    timeline,
    only: values.only?.split(','),
    seconds: numberOf('seconds', values.seconds, 1),
    seed: values.seed === undefined ? randomSeed() : numberOf('seed', values.seed, 0),
    rate: numberOf('rate', values.rate, 1),
  };
}

function numberOf(name: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least) return number;
  throw new Error(`--${name} is a whole number of at least ${least}, got ${text}`);
}
