import { expect, test } from 'vitest';
import { noTrim, trim, type SegmentHead, type TrimMark } from './trim.ts';
import { doNow } from './tasks/steps.ts';

const old = { n: 1, bytes: 10, at: 0 };
const request = { now: 1e12, ageMs: 1, eventsMax: Infinity, bytesMax: Infinity };

test('what a step counts and what it weighs up are together no more than it may look at', () => {
  for (const segmentsMax of [1, 2, 5, 8]) {
    let log: readonly SegmentHead[] = Array.from({ length: 20 }, (_, index) => ({ ...old, segment: index + 1 }));
    let mark: TrimMark = noTrim;
    let steps = 0;
    for (let more = true; more; steps += 1) {
      let looked = 0;
      const step = trim(
        {
          mark: () => mark,
          records: () => [],
          segments(from, limit) {
            const found = log.filter(({ segment }) => segment >= from).slice(0, limit);
            looked += found.length;
            return found;
          },
          sent: () => 0,
          putMark: (next) => (mark = next),
          putRecord: () => undefined,
          remove: (gone) => (log = log.filter((segment) => !gone.includes(segment))),
        },
        { ...request, segmentsMax },
      );
      ({ more } = doNow(step));
      expect(looked).toBeLessThanOrEqual(segmentsMax);
    }
    expect(log).toEqual([]);
    expect(mark).toMatchObject({ events: 0, bytes: 0, counted: 20 });
    expect(steps).toBeLessThanOrEqual(Math.ceil(40 / segmentsMax) + 2);
  }
});
