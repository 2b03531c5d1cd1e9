// The contract of durable handlers: whatever is done in whatever order, the store is as a plain list of rows would be.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { taskStates, type Advanced, type TaskChange, type TaskState } from '../../ports/tasks.ts';
import { expectAgreement, leased, recordOf, row, rowsOf, type OpenTasks } from './device.ts';
import { ascending, PlainList, type RowParts, type StepParts } from './plain-list.ts';

/** How many sequences of what is done, each to a handler of its own. */
const numRuns = 60;

type Act =
  | { readonly act: 'step'; readonly at: number; readonly its: StepParts }
  | { readonly act: 'change'; readonly at: number; readonly what: TaskChange; readonly states: readonly TaskState[] }
  | { readonly act: 'cancel ahead'; readonly position: number }
  | { readonly act: 'take over' };

/** Few positions, keys and times, so that they meet. */
const position = fc.integer({ min: 1, max: 12 });
const key = fc.constantFrom('a', 'b');
const at = fc.integer({ min: 0, max: 30 });
const rowParts: fc.Arbitrary<RowParts> = fc.record({
  position,
  state: fc.constantFrom(...taskStates),
  key: fc.option(key, { nil: null }),
  at,
  delayMs: fc.integer({ min: 0, max: 20 }),
});
const acts: fc.Arbitrary<readonly Act[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        act: fc.constant('step' as const),
        at,
        its: fc.record({
          put: fc.array(rowParts, { maxLength: 4 }),
          remove: fc.array(position, { maxLength: 2 }),
          unblock: fc.array(key, { maxLength: 2 }),
          queue: fc.uniqueArray(rowParts, { maxLength: 3, selector: (each) => each.position }),
          claim: fc.integer({ min: 0, max: 3 }),
          ahead: fc.integer({ min: 0, max: 3 }),
          handled: fc.integer({ min: 0, max: 3 }),
        }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        act: fc.constant('change' as const),
        at,
        what: fc.constantFrom('retry' as const, 'discard' as const, 'cancel' as const),
        states: fc.subarray([...taskStates], { minLength: 1 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ act: fc.constant('cancel ahead' as const), position: fc.integer({ min: 1, max: 20 }) }),
    },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('take over' as const) }) },
  ),
  { minLength: 4, maxLength: 16 },
);

/** Steps and changes in any order. */
export function agreeing(opened: OpenTasks): void {
  describe('whatever is done', () => {
    test('rows, counts, due times and totals are those of a plain list', async () => {
      const { device, store } = await opened();
      const tabs = [store, await device.open()];
      let run = 0;
      await fc.assert(
        fc.asyncProperty(acts, async (sequence) => {
          const handler = `handler-${(run += 1)}`;
          let record = await leased(store, { handler });
          const list = new PlainList(handler);
          for (const [turn, each] of sequence.entries()) {
            const tab = tabs[turn % tabs.length] ?? store;
            if (each.act === 'take over') {
              const { term, beat } = await recordOf(tab, handler);
              record = await leased(tab, { handler, tab: `tab-${turn}`, over: { term, beat } });
            } else if (each.act === 'change') {
              const query = { handler, states: each.states };
              const { changed } = await tab.change(query, each.what, { at: each.at, limit: 99 });
              expect(changed).toBe(list.change(each.what, each.states, each.at));
            } else if (each.act === 'cancel ahead') {
              expect(await tab.cancelAhead(row(each.position, { handler }))).toBe(list.cancelAhead(each.position));
            } else {
              const taken = list.stepOf(each.its, each.at, record.term);
              const { claimed, queued, cancelled } = expectTaken(await tab.advance(taken));
              expect({ claimed, queued: ascending(queued), cancelled }).toEqual(list.advance(taken));
            }
            const now = await recordOf(tab, handler);
            expect(now.totals).toEqual({ passed: 0, handled: list.handled, failed: 0, dropped: list.dropped });
            expect(await rowsOf(tab, { handler })).toEqual(list.sorted());
          }
        }),
        { numRuns },
      );
      await expectAgreement(store);
    });
  });
}

function expectTaken(answer: Advanced | 'fenced'): Advanced {
  if (answer === 'fenced') throw new Error('the step was fenced');
  return answer;
}
