// Compares what everybody was told with what the relay's log holds. Whatever does not fit is named.
import type { ChannelAudit, Logged } from './audit.ts';
import type { Kept, TabStory } from './journal.ts';
import { isAsWritten, whole, type Heard } from './tale.ts';

/** What must never be, and was. */
export interface Violation {
  readonly kind:
    | 'lost'
    | 'stored twice'
    | 'misplaced'
    | 'altered'
    | 'out of order'
    | 'untold gap'
    | 'wrongly told gap'
    | 'heard again'
    | 'heard, not stored'
    | 'not handled'
    | 'dead letter'
    | 'no rest'
    | 'not struck or healed';
  /** Who, what and where, for a reader who was not there. */
  readonly what: string;
}

/** What is compared. */
export interface Evidence {
  readonly logs: ReadonlyMap<string, ChannelAudit>;
  readonly kept: readonly Kept[];
  readonly tabs: Iterable<TabStory>;
  /** By device: the ids of the orders that it has handled. */
  readonly handled: ReadonlyMap<string, ReadonlySet<string>>;
  /** So many of the newest events of the brief channel are held for sure: one of them may not be stored again. */
  readonly briefKept: number;
}

/** All that does not fit. */
export function compare(evidence: Evidence): readonly Violation[] {
  const logs = [...evidence.logs];
  return [
    ...logs.flatMap(([channel, log]) => inLog(channel, log, evidence.briefKept)),
    ...kept(evidence),
    ...[...evidence.tabs].flatMap((story) => [...deadLetters(story), ...readings(story, evidence.logs)]),
    ...handling(evidence),
  ];
}

/** An offset, taken apart. */
function placeOf(offset: string): { readonly epoch: string; readonly sequence: number } {
  const [epoch = '', sequence] = offset.split('.');
  return { epoch, sequence: Number(sequence) };
}

/** The log by itself: no hole, nothing twice while it is held, nothing that nobody wrote, each publisher's events in their order. */
function inLog(channel: string, { events, missed }: ChannelAudit, briefKept: number): readonly Violation[] {
  const found: Violation[] = [];
  const say = (kind: Violation['kind'], what: string): void => void found.push({ kind, what });
  const places = new Map<string, number>();
  const latest = new Map<string, number>();
  let before: Logged | undefined;
  if (missed > 0 && channel === whole) {
    say('lost', `the relay let go of ${missed} events of "${channel}", which it was to keep`);
  }
  for (const event of events) {
    const { epoch, sequence, source, id, data } = event;
    const where = `${channel} at ${sequence}`;
    if (before !== undefined && before.epoch === epoch && sequence !== before.sequence + 1 && missed === 0) {
      say('lost', `${where}: the event before it in the log is ${before.sequence}`);
    }
    before = event;
    if (!isAsWritten(data)) say('altered', `${where}: ${id} of ${source} is not as ${data.by} wrote it`);
    // A note is one event, whatever it is called.
    for (const name of [`${source} ${id}`, `note ${data.by} ${data.n}`]) {
      const held = places.get(name);
      places.set(name, sequence);
      if (held === undefined) continue;
      if (channel === whole || sequence - held < briefKept) say('stored twice', `${where}: ${name}, before at ${held}`);
    }
    const its = latest.get(data.by) ?? 0;
    // One that was stored again after it was let go of is as late as it is.
    if (data.n < its && channel === whole) {
      say('out of order', `${where}: the ${data.n}th of ${data.by} stands behind its ${its}th`);
    }
    latest.set(data.by, Math.max(its, data.n));
  }
  return found;
}

/** Every event that somebody was told is kept is in the log, and where the relay said that it is. */
function kept({ kept, logs }: Evidence): readonly Violation[] {
  const stored = new Map<string, Set<string>>();
  for (const [channel, { events }] of logs) {
    for (const { id, epoch, sequence } of events) {
      const key = `${channel} ${id}`;
      const places = stored.get(key) ?? new Set();
      stored.set(key, places.add(`${epoch}.${sequence}`));
    }
  }
  return kept.flatMap(({ id, channel, n, by, onDisk, offset }): readonly Violation[] => {
    const places = stored.get(`${channel} ${id}`);
    if (places === undefined) {
      // What was read too late cannot be looked for; what was kept in memory may go with its tab.
      if (!onDisk || (logs.get(channel)?.missed ?? 0) > 0) return [];
      const who = offset === null ? 'its device' : 'the relay';
      return [
        { kind: 'lost', what: `${who} had acknowledged the ${n}th of ${by} (${id}), and ${channel} never held it` },
      ];
    }
    if (offset === null) return [];
    const { epoch, sequence } = placeOf(offset);
    if (places.has(`${epoch}.${sequence}`)) return [];
    const what = `the relay said that ${id} is in ${channel} at ${sequence}; it is at ${[...places].join(', ')}`;
    return [{ kind: 'misplaced', what }];
  });
}

/** What kept nothing but memory may be lost, and is counted. */
export function lostInMemory({ kept, logs }: Pick<Evidence, 'kept' | 'logs'>): number {
  const stored = new Set([...logs.values()].flatMap(({ events }) => events.map(({ id }) => id)));
  return kept.filter(({ id, onDisk }) => !onDisk && !stored.has(id)).length;
}

function deadLetters({ tab, last }: TabStory): readonly Violation[] {
  return last.dead === 0 ? [] : [{ kind: 'dead letter', what: `${tab} has ${last.dead} of them` }];
}

function readings(story: TabStory, logs: Evidence['logs']): readonly Violation[] {
  return [...logs].flatMap(([channel, log]) =>
    reading(
      `${story.tab} in ${channel}`,
      story.heard.filter((item) => item.channel === channel),
      log,
    ),
  );
}

/** One tab in one channel: from the first event that it heard on, each is the log's next, or it was told how many are not. */
function reading(who: string, heard: readonly Heard[], { events, missed }: ChannelAudit): readonly Violation[] {
  const found: Violation[] = [];
  const say = (kind: Violation['kind'], what: string): void => void found.push({ kind, what: `${who}: ${what}` });
  const log = new Map(events.map((event) => [`${event.epoch}.${event.sequence}`, event]));
  let before: { readonly epoch: string; readonly sequence: number } | undefined;
  let told: number | null = 0;
  for (const item of heard) {
    if (!('id' in item)) {
      // Null: nobody can know.
      told = told === null || item.missed === null ? null : told + item.missed;
      continue;
    }
    const place = placeOf(item.offset);
    const { epoch, sequence } = place;
    const stored = log.get(`${epoch}.${sequence}`);
    if (stored === undefined) {
      if (missed === 0) say('heard, not stored', `${item.id} at ${item.offset}`);
    } else if (stored.id !== item.id || !item.intact) {
      say(
        'altered',
        `heard ${item.id} at ${sequence}, where the log has ${stored.id}${item.intact ? '' : ', damaged'}`,
      );
    }
    if (before !== undefined && before.epoch === epoch) {
      const between = sequence - before.sequence - 1;
      if (between < 0) say('heard again', `${sequence} behind ${before.sequence}`);
      else if (told === 0 && between > 0)
        say('untold gap', `${between} events between ${before.sequence} and ${sequence}`);
      else if (told !== between) {
        const count = told === null ? 'that nobody can know how many' : `${told}`;
        say('wrongly told gap', `was told of ${count}; ${between} are between ${before.sequence} and ${sequence}`);
      }
    } else if (before !== undefined && told !== null) {
      say('untold gap', `the epoch changed at ${item.offset}, and nothing was said of it`);
    }
    before = place;
    told = 0;
  }
  return found;
}

/** Every order in the log was handled by every device, at least once. */
function handling({ logs, handled }: Evidence): readonly Violation[] {
  const orders = (logs.get(whole)?.events ?? []).filter(({ type }) => type === 'order.placed');
  return [...handled].flatMap(([device, ids]) =>
    orders
      .filter(({ id }) => !ids.has(id))
      .map(({ sequence, id }): Violation => ({ kind: 'not handled', what: `${device}: ${id}, at ${sequence}` })),
  );
}
