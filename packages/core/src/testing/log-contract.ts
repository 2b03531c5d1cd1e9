// What every Log keeps, in memory or on disk, in this process or behind a network.
import { describe, expect, onTestFinished, test } from 'vitest';
import type { CloudEvent } from '../event/cloudevent.ts';
import { Failure } from '../failure.ts';
import type { Log, LogRecord, Logs } from '../ports/log.ts';

/** Logs under test. */
export interface LogsUnderTest {
  readonly logs: Logs;
  /** Whether each append is a segment of its own, which `trim` drops whole; false where the adapter cannot trim so finely. */
  readonly trims?: boolean;
  /** Closes the logs and opens what they kept again; absent where nothing outlives them. */
  reopen?(): Promise<Logs>;
  close(): Promise<void>;
}

/** The law of {@link Logs} and {@link Log}. Each test gets logs of its own. */
export function logContract(name: string, make: () => Promise<LogsUnderTest>): void {
  const begin = async (): Promise<LogsUnderTest> => {
    const made = await make();
    onTestFinished(() => made.close());
    return made;
  };
  const open = async (channel = 'room:1'): Promise<Log> => (await begin()).logs.open(channel);

  describe(`the log ${name}: appending`, () => {
    test('a batch takes the next sequences, in its order and without a hole', async () => {
      const log = await open();
      expect(await log.append(events('a', 3), 0)).toEqual(appended(1, 2, 3));
      expect(await log.append(events('b', 2), 0)).toEqual(appended(4, 5));
      const { records, head, after } = await log.read('earliest', 100);
      expect(records.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
      expect(idsOf(records)).toEqual(['a0', 'a1', 'a2', 'b0', 'b1']);
      expect([after, head]).toEqual([0, 5]);
    });

    test('a record is the event on one line, with its channel and its sequence', async () => {
      const log = await open();
      const event = { ...eventOf('1'), subject: 'it', data: { text: 'a\nb' }, partitionkey: 'k' };
      await log.append([{ ...event, channel: 'another', sequence: '99' }], 0);
      const [record] = (await log.read('earliest', 1)).records;
      expect(record?.json).not.toContain('\n');
      expect(record?.type).toBe('todo.added');
      expect(JSON.parse(record?.json ?? '')).toEqual({ ...event, channel: 'room:1', sequence: '0000000000000001' });
    });

    test('an identity that the log holds is a duplicate, whatever it carries, and answers the first sequence', async () => {
      const log = await open();
      await log.append([eventOf('1'), eventOf('2')], 0);
      const again = { ...eventOf('2'), type: 'todo.removed', data: 'other' };
      expect(await log.append([again, eventOf('3')], 0)).toEqual([duplicate(2), ...appended(3)]);
      expect(idsOf((await log.read('earliest', 9)).records)).toEqual(['1', '2', '3']);
    });

    test('an identity twice in one batch is a duplicate of the first', async () => {
      const log = await open();
      expect(await log.append([eventOf('1'), eventOf('2'), eventOf('1')], 0)).toEqual([
        ...appended(1, 2),
        duplicate(1),
      ]);
    });

    test('the same id of another source is another event', async () => {
      const log = await open();
      const [mine, theirs] = [eventOf('1'), { ...eventOf('1'), source: '/bob' }];
      expect(await log.append([mine, theirs], 0)).toEqual(appended(1, 2));
      // Whatever is put between the two attributes to make one key of them.
      const cut = [
        { ...eventOf('bc'), source: 'a' },
        { ...eventOf('c'), source: 'ab' },
      ];
      expect(await log.append(cut, 0)).toEqual(appended(3, 4));
    });

    test('concurrent appends are as if one came after the other', async () => {
      const log = await open();
      const batches = Array.from({ length: 20 }, (_, batch) => [...events(`${batch}-`, 3), eventOf('shared')]);
      const outcomes = await Promise.all(batches.map((batch) => log.append(batch, 0)));
      const sequences = outcomes.flatMap((all) => all.filter(({ status }) => status === 'appended'));
      expect(sequences.map(({ sequence }) => sequence).sort((a, b) => a - b)).toEqual(range(1, 61));
      expect(new Set(outcomes.map((all) => all[3]?.sequence)).size).toBe(1);
      const { records } = await log.read('earliest', 100);
      for (const [batch, all] of outcomes.entries()) {
        for (const index of range(0, 2)) {
          const { sequence = 0 } = all[index] ?? {};
          expect(idsOf(records)[sequence - 1]).toBe(`${batch}-${index}`);
        }
      }
    });

    test('two openings of one channel are one log', async () => {
      const { logs } = await begin();
      const [one, other] = [await logs.open('room:1'), await logs.open('room:1')];
      const heard: number[] = [];
      other.follow(({ records }) => heard.push(...records.map(({ sequence }) => sequence)));
      await one.append(events('a', 2), 0);
      await until(() => heard.length === 2);
      expect(await other.append([eventOf('a0')], 0)).toEqual([duplicate(1)]);
      await one.close();
      expect(await other.append([eventOf('b')], 0)).toEqual(appended(3));
    });

    test('hostile identities stay apart', async () => {
      const log = await open();
      const ids = ['__proto__', 'constructor', '\u0000', 'a\u0000', 'a\u0000b', 'a', 'A', '\ud800', '\udfff', '\ufffd'];
      ids.push(
        '\ufeff',
        ' ',
        "'; DROP TABLE ids; --",
        '\n',
        '\r\n',
        '\\n',
        '"',
        '\\',
        '1',
        '01',
        '1.0',
        'é',
        'e\u0301',
        '🦩',
      );
      const outcomes = await log.append(ids.map(eventOf), 0);
      expect(outcomes).toEqual(appended(...range(1, ids.length)));
      expect(await log.append(ids.map(eventOf), 0)).toEqual(range(1, ids.length).map(duplicate));
      expect(idsOf((await log.read('earliest', 100)).records)).toEqual(ids);
    });

    test('hostile types and payloads come back as they went in', async () => {
      const log = await open();
      const texts = ['a\nb', 'a\r\nb', '\u0000', '\ud800', '\u2028', '\\', '"', '\ufeff', '__proto__'];
      const hostile = texts.map((text, index) => ({ ...eventOf(String(index)), type: text, data: { [text]: text } }));
      await log.append([...hostile, { ...eventOf('p'), data: JSON.parse('{"__proto__":{"x":1}}') as unknown }], 0);
      const { records } = await log.read('earliest', 100);
      expect(records.slice(0, -1).map(({ type }) => type)).toEqual(texts);
      expect(records.map(({ json }) => (JSON.parse(json) as CloudEvent).data).slice(0, -1)).toEqual(
        hostile.map(({ data }) => data),
      );
      expect(records.at(-1)?.json).toContain('"__proto__":{"x":1}');
    });

    test('a batch of thousands is one commit', async () => {
      const log = await open();
      const heard: LogRecord[] = [];
      log.follow(({ records }) => heard.push(...records));
      expect(await log.append(events('a', 5000), 0)).toEqual(appended(...range(1, 5000)));
      await until(() => heard.length === 5000);
      expect(await log.append(events('a', 5000), 0)).toEqual(range(1, 5000).map(duplicate));
    });

    test('channels do not know of each other', async () => {
      const { logs } = await begin();
      const names = ['a', 'A', 'a.b', '__proto__', 'constructor', 'x'.repeat(128), '~', '0'];
      for (const name of names) {
        const log = await logs.open(name);
        expect(await log.append([eventOf(name)], 0)).toEqual(appended(1));
      }
      for (const name of names) {
        const { records } = await (await logs.open(name)).read('earliest', 10);
        expect(idsOf(records)).toEqual([name]);
      }
      expect([...(await logs.channels())].sort()).toEqual([...names].sort());
    });
  });

  describe(`the log ${name}: following`, () => {
    test('each commit is announced once, in order, after it can be read', async () => {
      const log = await open();
      const heard: number[] = [];
      const looks: Promise<number>[] = [];
      log.follow(({ records }) => {
        heard.push(...records.map(({ sequence }) => sequence));
        looks.push(log.stat().then(({ head }) => head - (records.at(-1)?.sequence ?? 0)));
      });
      await Promise.all(range(0, 9).map((batch) => log.append(events(`${batch}-`, 2), 0)));
      await until(() => heard.length >= 20);
      expect(heard).toEqual(range(1, 20));
      for (const ahead of await Promise.all(looks)) expect(ahead).toBeGreaterThanOrEqual(0);
    });

    test('duplicates are not announced again, and nothing is once it is stopped', async () => {
      const log = await open();
      const [heard, heardByOther]: [string[], string[]] = [[], []];
      const stop = log.follow(({ records }) => heard.push(...idsOf(records)));
      log.follow(({ records }) => heardByOther.push(...idsOf(records)));
      await log.append([eventOf('1')], 0);
      await log.append([eventOf('1'), eventOf('2')], 0);
      await until(() => heard.length === 2);
      stop();
      stop();
      await log.append([eventOf('3')], 0);
      await until(() => heardByOther.length === 3);
      expect(heard).toEqual(['1', '2']);
      expect(heardByOther).toEqual(['1', '2', '3']);
    });
  });

  describe(`the log ${name}: reading`, () => {
    test('an empty log reads as empty, wherever reading begins', async () => {
      const log = await open();
      const { epoch, head, tail } = await log.stat();
      expect([head, tail]).toEqual([0, 1]);
      for (const position of ['earliest', 'latest', { epoch, sequence: 0 }] as const) {
        expect(await log.read(position, 10)).toEqual({ epoch, records: [], after: 0, head: 0 });
      }
    });

    test('reading goes on behind a position, in pages that leave nothing out', async () => {
      const log = await open();
      const { epoch } = await log.stat();
      for (const batch of range(0, 6)) await log.append(events(`${batch}-`, batch + 1), 0);
      for (const limit of [1, 2, 3, 28, 1000]) {
        const read: number[] = [];
        for (;;) {
          const page = await log.read({ epoch, sequence: read.at(-1) ?? 0 }, limit);
          expect([page.after, page.head, page.gap]).toEqual([read.at(-1) ?? 0, 28, undefined]);
          expect(page.records.length).toBeLessThanOrEqual(limit);
          if (page.records.length === 0) break;
          read.push(...page.records.map(({ sequence }) => sequence));
        }
        expect(read).toEqual(range(1, 28));
      }
      expect((await log.read('latest', 10)).after).toBe(28);
    });

    test('large records come in smaller pages, and one that is larger than a page comes alone', async () => {
      const log = await open();
      const data = 'x'.repeat(200_000);
      for (const id of range(1, 8)) await log.append([{ ...eventOf(String(id)), data }], 0);
      const { records } = await log.read('earliest', 1000);
      expect(records.length).toBeGreaterThanOrEqual(1);
      expect(records.length).toBeLessThan(8);
    });

    test('a position of another epoch, or beyond the head, is a gap that nobody can count', async () => {
      const log = await open();
      await log.append(events('a', 3), 0);
      const { epoch } = await log.stat();
      const gap = { missed: null, reason: 'epoch' };
      for (const position of [
        { epoch: 'another', sequence: 2 },
        { epoch, sequence: 4 },
        { epoch, sequence: Number('9'.repeat(16)) },
      ]) {
        const page = await log.read(position, 10);
        expect([page.after, page.gap, page.records.length]).toEqual([0, gap, 3]);
      }
    });
  });

  describe(`the log ${name}: trimming`, () => {
    test('what was trimmed is a gap of exactly its number, and reading goes on at the tail', async () => {
      const { logs, trims = true } = await begin();
      const log = await logs.open('room:1');
      const { epoch } = await log.stat();
      for (const batch of range(0, 9)) await log.append(events(`${batch}-`, 3), 0);
      const whole = await log.stat();
      if (trims) {
        expect(await log.trim({ before: 0, bytesMax: Math.ceil(whole.bytes / 2) })).toBe(15);
        expect(await log.stat()).toMatchObject({ head: 30, tail: 16, published: 30, epoch });
        expect((await log.stat()).bytes).toBeLessThanOrEqual(Math.ceil(whole.bytes / 2));
        const page = await log.read({ epoch, sequence: 4 }, 3);
        expect(page).toMatchObject({ after: 15, head: 30, gap: { missed: 11, reason: 'retention' } });
        expect(page.records.map(({ sequence }) => sequence)).toEqual([16, 17, 18]);
        expect((await log.read({ epoch, sequence: 15 }, 3)).gap).toBeUndefined();
        expect((await log.read({ epoch, sequence: 14 }, 3)).gap).toEqual({ missed: 1, reason: 'retention' });
        expect(await log.read('earliest', 1)).not.toHaveProperty('gap');
        // Trimmed, so forgotten: the same identity is a new event, and one that is held is none.
        expect(await log.append([eventOf('0-0'), eventOf('9-0')], 0)).toEqual([...appended(31), duplicate(28)]);
      }
      expect(await log.trim({ before: Number.MAX_SAFE_INTEGER, bytesMax: 0 })).toBe(trims ? 16 : 30);
      const { head, tail, bytes } = await log.stat();
      expect([tail, bytes]).toEqual([head + 1, 0]);
      expect(await log.read('earliest', 10)).toMatchObject({ after: head, records: [] });
      const later = await log.append([eventOf('later')], 0);
      expect(later).toEqual(appended(head + 1));
      expect((await log.read({ epoch, sequence: 0 }, 1)).gap).toEqual({ missed: head, reason: 'retention' });
    });

    test('of so many events at least the newest stay, and no whole commit more', async () => {
      const { logs, trims = true } = await begin();
      if (!trims) return;
      const log = await logs.open('room:1');
      for (const batch of range(0, 9)) await log.append(events(`${batch}-`, 3), 0);
      const bounds = { before: 0, bytesMax: Infinity };
      expect(await log.trim({ ...bounds, eventsMax: 30 })).toBe(0);
      expect(await log.trim({ ...bounds, eventsMax: 10 })).toBe(18);
      expect(await log.stat()).toMatchObject({ head: 30, tail: 19 });
      expect(await log.trim({ ...bounds, eventsMax: 1 })).toBe(9);
      expect(await log.stat()).toMatchObject({ head: 30, tail: 28 });
    });

    test('nothing is trimmed that is within its bounds', async () => {
      const log = await open();
      await log.append(events('a', 3), 0);
      const { bytes } = await log.stat();
      expect(bytes).toBeGreaterThan(100);
      expect(await log.trim({ before: 0, bytesMax: bytes })).toBe(0);
      expect((await log.stat()).tail).toBe(1);
    });
  });

  describe(`the log ${name}: counting and ending`, () => {
    test('published, duplicates and refused are counted with the append', async () => {
      const log = await open();
      await log.append([eventOf('1'), eventOf('2'), eventOf('1')], 3);
      await log.append([], 2);
      expect(await log.stat()).toMatchObject({ head: 2, tail: 1, published: 2, duplicates: 1, refused: 5 });
    });

    test('what was appended and counted is there when the logs are opened again', async () => {
      const { logs, reopen } = await begin();
      if (reopen === undefined) return;
      const log = await logs.open('room:1');
      await log.append(events('a', 5), 1);
      await log.append([eventOf('a1'), ...events('b', 5)], 0);
      const [before, page] = [await log.stat(), await log.read('earliest', 100)];
      const again = await (await reopen()).open('room:1');
      expect(await again.stat()).toEqual(before);
      expect(await again.read('earliest', 100)).toEqual(page);
      expect(await again.append([eventOf('a0'), eventOf('c')], 0)).toEqual([duplicate(1), ...appended(11)]);
    });

    test('a channel that was only read is the same log when it is opened again', async () => {
      const { logs } = await begin();
      const { epoch } = await (await logs.open('room:1')).stat();
      const log = await logs.open('room:1');
      await log.append([eventOf('1')], 0);
      expect((await log.read({ epoch, sequence: 0 }, 10)).gap).toBeUndefined();
    });

    test('a removed channel begins anew, in another epoch and with counts of zero', async () => {
      const { logs, reopen } = await begin();
      const log = await logs.open('room:1');
      await log.append(events('a', 3), 1);
      const { epoch } = await log.stat();
      expect(await logs.remove('room:1')).toBe(true);
      await expect(log.append([eventOf('b')], 0)).rejects.toMatchObject({ name: 'Closed' });
      await expect(log.read('earliest', 1)).rejects.toBeInstanceOf(Failure);
      expect(await logs.channels()).toEqual([]);
      const anew = await (reopen === undefined ? logs : await reopen()).open('room:1');
      const stat = await anew.stat();
      expect(stat).toMatchObject({ head: 0, tail: 1, bytes: 0, published: 0, duplicates: 0, refused: 0 });
      expect(stat.epoch).not.toBe(epoch);
      expect(await anew.append([eventOf('a0')], 0)).toEqual(appended(1));
      expect((await anew.read({ epoch, sequence: 1 }, 10)).gap).toEqual({ missed: null, reason: 'epoch' });
    });

    test('a channel that is not there is not removed', async () => {
      const { logs } = await begin();
      expect(await logs.remove('room:1')).toBe(false);
      await (await logs.open('room:1')).append([eventOf('1')], 0);
      expect(await logs.remove('room:1')).toBe(true);
      expect(await logs.remove('room:1')).toBe(false);
    });

    test('a closed log refuses, and closing twice is closing once', async () => {
      const { logs } = await begin();
      const log = await logs.open('room:1');
      await log.append([eventOf('1')], 0);
      await log.close();
      await log.close();
      await expect(log.append([eventOf('2')], 0)).rejects.toMatchObject({ name: 'Closed' });
      expect((await (await logs.open('room:1')).stat()).head).toBe(1);
    });
  });
}

function eventOf(id: string): CloudEvent {
  return { specversion: '1.0', id, source: '/alice', type: 'todo.added' };
}

function events(prefix: string, count: number): readonly CloudEvent[] {
  return range(0, count - 1).map((index) => eventOf(`${prefix}${index}`));
}

function idsOf(records: readonly LogRecord[]): readonly string[] {
  return records.map(({ json }) => (JSON.parse(json) as CloudEvent).id);
}

function appended(...sequences: readonly number[]): readonly object[] {
  return sequences.map((sequence) => ({ status: 'appended', sequence }));
}

function duplicate(sequence: number): object {
  return { status: 'duplicate', sequence };
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** A log may announce a moment after it answers; a promise's turn is enough for those in this process. */
async function until(isSo: () => boolean): Promise<void> {
  await expect.poll(isSo, { interval: 1, timeout: 20_000 }).toBe(true);
}
