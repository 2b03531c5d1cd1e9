// The tabs of a simulated device: one lock, and messages that may be late or lost. A frozen tab keeps its lock until one in sight steals it.
import type { TabMessage, Tabs } from '../../ports/tabs.ts';
import type { World } from '../../ports/world.ts';
import { createLiving, untilAborted } from '../../memory/living.ts';
import { createLock, type Candidate } from '../../memory/lock.ts';
import type { Dice } from './dice.ts';
import type { Faults } from './faults.ts';
import type { Life } from './life.ts';

/** A device whose tabs share an election and hear each other. */
export interface SimTabsDevice {
  /** Opens a tab that lives this life; `isVisible` tells whether somebody looks at it. */
  tab(life: Life, isVisible?: () => boolean): Tabs;
  /** Something that is no tab of ours takes the lock, for so long. */
  rob(ms: number): void;
  /** For so long a tab hears nobody, or nobody hears it. */
  silence(life: Life, way: 'deaf' | 'mute' | 'both', ms: number): void;
  /** Whether a message of one tab to another was ever lost. */
  readonly hasLost: boolean;
  /** Whether the tab leads, as far as it can know. */
  believesToLead(life: Life): boolean;
  /** Which lead this is, counted from the device's first, and whose; undefined while nobody has it. */
  readonly lead: { readonly number: number; readonly life: Life } | undefined;
}

/** The longest that a message is under way, in milliseconds. */
const lateMsMax = 4000;

interface Receiver {
  readonly life: Life;
  readonly hear: (message: TabMessage) => void;
}

interface SimCandidate extends Candidate {
  /** Undefined: no tab of ours. */
  readonly life: Life | undefined;
}

/** What a tab has heard and done, so that it is known when it steals what it must not. */
interface Conduct {
  heardTerm: number;
  /** It has stolen, and no leader has answered it since. */
  isUnanswered: boolean;
}

/** Makes a device without tabs. */
export function createSimTabs(parts: {
  readonly faults: Faults;
  readonly dice: Dice;
  readonly base: Pick<World, 'after'>;
  /** Hears of what must never be. */
  readonly fail?: (message: string) => void;
  /** Whether nothing excuses a tab that does not answer, or does not hear. */
  readonly isCalm?: (life: Life) => boolean;
}): SimTabsDevice {
  const { faults, dice, base, fail = () => undefined, isCalm = () => false } = parts;
  const receivers = new Set<Receiver>();
  const lock = createLock<SimCandidate>();
  const living = createLiving();
  const conducts = new Map<Life, Conduct>();
  /** Of each tab, the lead that it was handed last. */
  const handed = new Map<Life, AbortSignal>();
  let hasLost = false;
  const silenced = { deaf: new Map<Life, number>(), mute: new Map<Life, number>() };

  return {
    tab,
    rob(ms) {
      const taken = Promise.withResolvers<void>();
      const stop = base.after(ms, taken.resolve);
      lock.steal({
        life: undefined,
        lead: () => taken.promise,
        rob() {
          stop();
          taken.resolve();
        },
      });
    },
    silence(life, way, ms) {
      for (const its of way === 'both' ? (['deaf', 'mute'] as const) : [way]) {
        const { [its]: counts } = silenced;
        counts.set(life, (counts.get(life) ?? 0) + 1);
        life.trouble();
        base.after(ms, () => {
          counts.set(life, (counts.get(life) ?? 1) - 1);
          life.trouble();
        });
      }
    },
    get hasLost() {
      return hasLost;
    },
    believesToLead: (life) => handed.get(life)?.aborted === false,
    get lead() {
      const life = lock.holder?.life;
      return life && { number: lock.takings, life };
    },
  };

  function isSilenced(way: 'deaf' | 'mute', life: Life): boolean {
    return !faults.isOver && (silenced[way].get(life) ?? 0) > 0;
  }

  function lose(life: Life): void {
    hasLost = true;
    life.trouble();
  }

  function tab(life: Life, isVisible = () => true): Tabs {
    const end = new AbortController();
    const conduct: Conduct = { heardTerm: 0, isUnanswered: false };
    conducts.set(life, conduct);
    const listeners = new Set<(message: TabMessage) => void>();
    const receiver: Receiver = {
      life,
      hear(message) {
        // While it opens, nothing in it listens yet.
        const isHeard = listeners.size > 0;
        if (isHeard && 'term' in message && message.kind !== 'ask')
          conduct.heardTerm = Math.max(conduct.heardTerm, message.term);
        if (message.kind === 'here') conduct.isUnanswered = false;
        for (const listener of listeners) listener(message);
      },
    };
    receivers.add(receiver);
    const ways = new Map<Receiver, Way>();
    life.onDeath(() => {
      // Whoever rests is woken by news, and finds its disk gone.
      for (const listener of listeners) life.onBurial(() => listener({ kind: 'grew', outbox: [], upTo: 0 }));
      close();
    });

    return {
      exclusive: true,
      lead(callback, signal, how) {
        if (how === 'steal' && !signal.aborted) judge();
        return life.gate(stand(callback, AbortSignal.any([signal, end.signal]), life, how));
      },
      announce(message) {
        if (end.signal.aborted || life.isDead()) return;
        if (message.kind === 'leader' && message.term <= conduct.heardTerm)
          fail(`a tab leads in the term ${message.term}, and has heard of ${conduct.heardTerm}`);
        if (isSilenced('mute', life)) {
          // Who is not told of what came cannot know of it, however well it is.
          if (message.kind === 'grew') for (const other of receivers) other.life.trouble();
          return lose(life);
        }
        const copy = structuredClone(message);
        for (const other of receivers) {
          if (other === receiver) continue;
          let way = ways.get(other);
          if (way === undefined) {
            way = createWay(other);
            ways.set(other, way);
          }
          way(copy);
        }
      },
      hear(listener) {
        const own = (message: TabMessage): void => listener(message);
        listeners.add(own);
        return (): void => void listeners.delete(own);
      },
      live(name) {
        if (!end.signal.aborted && !life.isDead()) living.live(name, end.signal);
        return life.gate(Promise.resolve());
      },
      gone: (name, signal) => life.gate(living.gone(name, signal)),
      close,
    } satisfies Tabs;

    function judge(): void {
      const leader = lock.holder?.life;
      if (leader !== undefined && isCalm(life) && isCalm(leader)) fail('a tab steals the lead of one that is well');
      if (!isVisible()) fail('a tab steals the lead, and nobody looks at it');
      if (conduct.isUnanswered) fail('a tab steals the lead again, and no leader has answered it since the last time');
      conduct.isUnanswered = true;
    }

    function close(): void {
      receivers.delete(receiver);
      listeners.clear();
      end.abort();
    }
  }

  /** From one tab to another, messages keep their order. */
  function createWay({ life, hear }: Receiver): Way {
    const waiting: TabMessage[] = [];
    return (message) => {
      const kind = faults.strike('tabs.announce', ['tabs.message-lost', 'tabs.message-late', 'tabs.message-doubled']);
      if (kind === 'tabs.message-lost' || isSilenced('deaf', life)) return lose(life);
      if (kind === 'tabs.message-doubled') {
        waiting.push(message);
        void Promise.resolve().then(() => arrive());
      }
      waiting.push(message);
      const arrive = (): void => {
        life.run(() => {
          // Whoever was late lets those behind it come before its own turn: they are all of this way, and in its order.
          const next = waiting.shift();
          if (next !== undefined) hear(next);
        });
      };
      if (kind !== 'tabs.message-late') void Promise.resolve().then(arrive);
      else {
        life.trouble();
        base.after(dice.whole(1, lateMsMax), arrive);
      }
    };
  }

  function stand(
    callback: (held: AbortSignal) => Promise<void>,
    signal: AbortSignal,
    life: Life,
    how: 'wait' | 'steal' = 'wait',
  ): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const robbed = new AbortController();
      const taken = Promise.withResolvers<void>();
      const held = AbortSignal.any([signal, robbed.signal]);
      const hear = (): void => life.run(() => robbed.abort());
      const candidate: SimCandidate = {
        life,
        rob() {
          taken.resolve();
          if (faults.strike('tabs.theft', ['tabs.theft-late']) === undefined) hear();
          else base.after(dice.whole(1, lateMsMax), hear);
        },
        async lead() {
          stopWaiting();
          const aborting = untilAborted(signal);
          // A frozen tab holds the lock before it knows of it.
          const running = (async () => {
            await life.gate(Promise.resolve());
            if (held.aborted) return;
            handed.set(life, held);
            await callback(held);
          })();
          running.then(resolve, reject);
          // A lead that ends by its signal is over for who waits for it, also when the callback goes on.
          await Promise.race([running.catch(() => undefined), aborting.aborted, taken.promise]);
          aborting.stop();
        },
      };
      const leave = (): void => {
        lock.leave(candidate);
        resolve();
      };
      const stopWaiting = (): void => signal.removeEventListener('abort', leave);
      signal.addEventListener('abort', leave, { once: true });
      if (how === 'steal') lock.steal(candidate);
      else lock.wait(candidate);
    });
  }
}

/** Sends one message. */
type Way = (message: TabMessage) => void;
