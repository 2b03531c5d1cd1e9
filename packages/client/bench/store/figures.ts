// What is printed: tables for people, and one last line of JSON for whoever compares runs.
import { median, type Samples } from './measure.ts';

/** Gathers what was measured. */
export interface Figures {
  /** A table: what was measured, with how many events, and what each round took. */
  show(title: string, rows: readonly (readonly [name: string, events: number, samples: Samples])[]): void;
  /** A ratio that is to reach its target, if it has one. */
  note(name: string, ratio: number, target?: number): void;
  /** A count that is not to pass its target. */
  noteMost(name: string, count: number, target: number): void;
  /** The last line. */
  end(): void;
}

/** Writes to the standard output. */
export function createFigures(bench: string): Figures {
  const ratios: Record<string, number> = {};
  const targets: Record<string, number> = {};
  const short: string[] = [];
  const add = (name: string, value: number, target: number | undefined, isShort: boolean): void => {
    ratios[name] = Math.round(value * 100) / 100;
    if (target === undefined) return;
    targets[name] = target;
    if (isShort) short.push(name);
  };
  return {
    show(title, rows) {
      process.stdout.write(`\n${title}\n`);
      for (const [name, events, samples] of rows) {
        const ms = median(samples);
        const count = `${events.toLocaleString('en').padStart(8)} events`;
        const each = `${((ms * 1000) / events).toFixed(2).padStart(9)} µs each`;
        const rate = `${Math.round((events * 1000) / ms).toLocaleString('en')}/s`;
        process.stdout.write(
          `  ${name.padEnd(58)}${count}${ms.toFixed(2).padStart(10)} ms${each}${rate.padStart(13)}\n`,
        );
      }
    },
    // What could not be measured is short as well.
    note: (name, ratio, target) => add(name, ratio, target, !(ratio >= (target ?? ratio))),
    noteMost: (name, count, target) => add(name, count, target, !(count <= target)),
    end() {
      process.stdout.write('\n');
      for (const [name, ratio] of Object.entries(ratios)) {
        const target = targets[name] === undefined ? '' : `  target ${targets[name]}`;
        const said = `${ratio.toFixed(2).padStart(8)}${target}${short.includes(name) ? '  short' : ''}`;
        process.stdout.write(`  ${name.padEnd(66)}${said}\n`);
      }
      process.stdout.write(`\n${JSON.stringify({ bench, ratios, targets, short })}\n`);
    },
  };
}
