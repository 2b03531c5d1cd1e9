// What an application does outside of its runtime: where a rehearsal lets it fail, dawdle, and die on either side.
import type { CallFault } from '../sim/kinds.ts';
import { passed, type CallParts } from '../sim/store.ts';
import type { RehearsedTab } from './application.ts';

const kinds = ['handler.throws', 'handler.hangs', 'handler.late', 'tab.killed-in-call', 'tab.frozen-in-call'] as const;
/** The longest that it takes, in milliseconds. */
const lateMsMax = 15_000;
/** The longest that a tab is frozen, in milliseconds: longer than a lease lasts. */
const frozenMsMax = 60_000;

/** Makes the ways of one tab to what is outside. */
export function createOutside({
  life,
  faults,
  dice,
  base,
}: CallParts): Pick<RehearsedTab<never, never>, 'wait' | 'outside'> {
  return {
    wait: (ms) => life.gate(passed(base, ms)),
    async outside(work) {
      // The tab may have died within the wait before this call: nothing of it runs on.
      await life.gate(Promise.resolve());
      const kind = faults.strike('outside', kinds);
      const isBefore = dice.chance(0.5);
      if (kind === undefined) return await life.gate(done());
      if (isBefore) {
        await happens(kind);
        return await life.gate(done());
      }
      const answer = await life.gate(done());
      await happens(kind);
      return answer;

      async function done(): Promise<Awaited<ReturnType<typeof work>>> {
        return await work();
      }
    },
  };

  async function happens(kind: CallFault): Promise<void> {
    switch (kind) {
      case 'handler.throws':
        throw new Error('what is outside failed, by chance');
      case 'handler.hangs':
        // A person would close such a tab, in the end.
        life.isStuck = true;
        return await life.never();
      case 'handler.late':
        return await life.gate(passed(base, dice.whole(1, lateMsMax)));
      case 'tab.killed-in-call':
        life.kill();
        return await life.never();
      case 'tab.frozen-in-call':
        life.freeze();
        base.after(dice.whole(1, frozenMsMax), () => life.thaw());
        return await life.gate(Promise.resolve());
      default:
    }
  }
}
