// A tab's disk in a simulated world: a real store, at each call of which something may go wrong.
import { Failure } from '../../failure.ts';
import type { DeviceStore } from '../../ports/tasks.ts';
import type { World } from '../../ports/world.ts';
import type { Dice } from './dice.ts';
import type { Faults } from './faults.ts';
import type { Life } from './life.ts';

/** What calls of one tab share. */
export interface CallParts {
  readonly life: Life;
  readonly faults: Faults;
  readonly dice: Dice;
  /** Time that passes whatever becomes of the tab. */
  readonly base: Pick<World, 'after'>;
}

/** The longest that a disk dawdles, in milliseconds: longer than a lease lasts. */
const slowMsMax = 15_000;
/** How long a tab is frozen, in milliseconds. */
const frozenMs = [500, 5000, 15_000, 60_000, 300_000] as const;

const kinds = [
  'store.fails',
  'store.answer-lost',
  'store.slow',
  'store.hangs',
  'tab.killed-in-call',
  'tab.frozen-in-call',
] as const;

/**
 * Wraps a store. Writes of one tab to the log, and to its tasks, each keep their order, as transactions of one
 * connection do, also when one of them is slow.
 *
 * @param isFull whether the disk takes nothing more for now
 */
export function createSimStore(
  inner: DeviceStore,
  parts: CallParts & { readonly isFull?: () => boolean },
): DeviceStore {
  const { life, faults, dice, base, isFull = () => false } = parts;
  const logLane = createLane();
  const taskLane = createLane();

  return {
    state: (channel) => call('state', isolated, () => inner.state(channel)),
    record: (segments) => call('record', logLane, () => roomy(() => inner.record(segments))),
    merge: (page) => call('merge', logLane, () => roomy(() => inner.merge(page))),
    confirm: (confirmation) => call('confirm', logLane, () => inner.confirm(confirmation)),
    refusals: (ids) => call('refusals', isolated, () => inner.refusals(ids)),
    read: (after, limit) => call('read', isolated, () => inner.read(after, limit)),
    own: (channel, after, limit) => call('own', isolated, () => inner.own(channel, after, limit)),
    trim: (request) => call('trim', logLane, () => inner.trim(request)),
    handlers: () => call('handlers', isolated, () => inner.handlers()),
    lease: (request) => call('lease', taskLane, () => inner.lease(request)),
    advance: (step) => call('advance', taskLane, () => inner.advance(step)),
    tasks: (query, page) => call('tasks', isolated, () => inner.tasks(query, page)),
    change: (query, change, page) => call('change', taskLane, () => inner.change(query, change, page)),
    cancelAhead: (row) => call('cancelAhead', taskLane, () => inner.cancelAhead(row)),
    forget: (handler) => call('forget', taskLane, () => inner.forget(handler)),
    close: () => life.gate(inner.close()),
    destroy: () => life.gate(inner.destroy()),
  } satisfies DeviceStore;

  function call<Answer>(method: string, lane: Lane, effect: () => Promise<Answer>): Promise<Answer> {
    return life.gate(lane(() => faulty(`store.${method}`, effect)));
  }

  async function faulty<Answer>(point: string, effect: () => Promise<Answer>): Promise<Answer> {
    // What a dead tab had asked for and the disk had not begun never happens.
    if (life.isDead()) return life.never();
    const kind = faults.strike(point, kinds);
    if (kind === undefined) return effect();
    life.trouble();
    const isBefore = dice.chance(0.5);
    switch (kind) {
      case 'store.fails':
        throw new Failure('StorageFailed', `the disk failed at ${point}, by chance; nothing was kept`);
      case 'store.answer-lost':
        await effect();
        throw new Failure('StorageFailed', `the disk failed at ${point}, by chance; it was kept all the same`);
      case 'store.slow': {
        const ms = dice.whole(1, dice.chance(0.8) ? 1000 : slowMsMax);
        if (isBefore) await passed(base, ms);
        if (life.isDead()) return life.never();
        const answer = await effect();
        if (!isBefore) await passed(base, ms);
        life.trouble();
        return answer;
      }
      case 'store.hangs':
        if (!isBefore) await effect();
        life.isStuck = true;
        return life.never();
      case 'tab.killed-in-call':
        if (!isBefore) await effect();
        life.kill();
        return life.never();
      default: {
        const ms = dice.pick(frozenMs);
        if (isBefore) life.freeze();
        const answer = await effect();
        life.freeze();
        base.after(ms, () => life.thaw());
        return answer;
      }
    }
  }

  async function roomy<Answer>(effect: () => Promise<Answer>): Promise<Answer> {
    if (!isFull()) return effect();
    life.trouble();
    throw new Failure('StorageFailed', 'the disk is full, by chance; nothing was kept');
  }
}

/** One call after the other; the first runs at once. */
type Lane = <Answer>(work: () => Promise<Answer>) => Promise<Answer>;

/** Who waits for nobody. */
const isolated: Lane = (work) => work();

function createLane(): Lane {
  let underWay = 0;
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const answer = underWay === 0 ? work() : last.then(work, work);
    underWay += 1;
    const ended = (): void => {
      underWay -= 1;
    };
    last = answer.then(ended, ended);
    return answer;
  };
}

/** Resolves once so long has passed. */
export function passed(base: Pick<World, 'after'>, ms: number): Promise<void> {
  return new Promise((resolve) => void base.after(ms, resolve));
}
