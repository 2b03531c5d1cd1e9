// What Streams keep, in memory or on a NATS server, on one or on three.
import { gather } from '@godwit/core/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Message, StoredHead, StoredMessage, Stream, Streams } from '../stream.ts';

/** A host of streams under test. */
export interface StreamsUnderTest {
  /** Another relay's way to it. */
  connect(): Promise<Streams>;
  /** Removes a stream, as whoever runs the host may. */
  remove(stream: string): Promise<void>;
  /** Puts a message in that is nobody's of ours. */
  intrude(stream: string, body: Uint8Array): Promise<void>;
}

/** The law of {@link Streams} and {@link Stream}. */
export function streamsContract(host: string, make: () => Promise<StreamsUnderTest>): void {
  /** Streams of two relays, of which the first has made one for the test. */
  const begin = async () => {
    const under = await make();
    const connect = async (): Promise<Streams> => {
      const streams = await under.connect();
      onTestFinished(() => streams.close());
      return streams;
    };
    const [alices, bobs] = [await connect(), await connect()];
    const name = `room:${crypto.randomUUID()}`;
    const stream = alices.stream(name);
    await stream.create('the room of this test');
    return { under, connect, alices, bobs, name, stream, another: bobs.stream(name) };
  };

  describe(`streams ${host}`, () => {
    test('messages are numbered from 1, each behind the last one', async () => {
      const { stream, another } = await begin();
      expect(await stream.newest()).toBeUndefined();
      expect(await stream.append(message('a'), 0)).toBe(1);
      expect(await another.append(message('b'), 1)).toBe(2);
      expect(await stream.newest()).toEqual({ number: 2, head: headOf('b') });
      expect(await another.newest()).toEqual({ number: 2, head: headOf('b') });
      expect(shown(await stream.read(1))).toEqual([1, headOf('a'), 'a']);
      expect(shown(await another.read(2))).toEqual([2, headOf('b'), 'b']);
      expect(await stream.read(3)).toBeUndefined();
    });

    test('a message that is not behind the newest one is not stored', async () => {
      const { stream, another } = await begin();
      await stream.append(message('a'), 0);
      expect(await another.append(message('late'), 0)).toBeUndefined();
      expect(await another.append(message('early'), 2)).toBeUndefined();
      expect(await heads(stream)).toEqual([{ number: 1, head: headOf('a') }]);
    });

    test('of all who append behind one message, one succeeds', async () => {
      const { stream, another } = await begin();
      for (let behind = 0; behind < 5; behind += 1) {
        const tries = Array.from({ length: 8 }, (_, index) =>
          (index % 2 === 0 ? stream : another).append(message(`${behind}-${index}`), behind),
        );
        const numbers = await Promise.all(tries);
        expect(numbers.filter((number) => number !== undefined)).toEqual([behind + 1]);
        const winner = `${behind}-${numbers.findIndex((number) => number !== undefined)}`;
        expect(await another.newest()).toEqual({ number: behind + 1, head: headOf(winner) });
      }
    });

    test('the newest one is never older than what an append has resolved with, at whichever relay', async () => {
      const { stream, another } = await begin();
      for (let behind = 0; behind < 30; behind += 1) {
        const [writer, reader] = behind % 2 === 0 ? [stream, another] : [another, stream];
        await writer.append(message(String(behind)), behind);
        expect((await reader.newest())?.number).toBe(behind + 1);
      }
    });

    test('heads and bodies come back as they went in', async () => {
      const { stream, another } = await begin();
      const texts = [
        'é',
        'e\u0301',
        '🦩',
        'a\nb',
        'a\r\nb',
        '\u0000',
        '\u2028',
        ' ',
        '\u00a0',
        '\ufeff',
        '"',
        '\\',
        '',
      ];
      const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      const told = gather<StoredMessage>();
      onTestFinished(another.follow(1, told.add, unexpected));
      for (const [index, text] of texts.entries()) {
        await stream.append({ head: JSON.stringify([text]), body: bytes.subarray(index) }, index);
      }
      await stream.append({ head: '{}', body: new Uint8Array() }, texts.length);
      const expected = [
        ...texts.map((text, index) => ({ number: index + 1, head: JSON.stringify([text]), body: bytes.slice(index) })),
        { number: texts.length + 1, head: '{}', body: new Uint8Array() },
      ];
      expect((await told.until(expected.length)).map(plain)).toEqual(expected.map(plain));
      for (const its of expected) expect(plain(await another.read(its.number))).toEqual(plain(its));
      expect(await heads(another)).toEqual(expected.map(({ number, head }) => ({ number, head })));
      expect(await another.newest()).toEqual({ number: expected.length, head: '{}' });
    });

    test('a message as large as may be is stored, and a larger one refused', async () => {
      const { alices, stream, another } = await begin();
      const head = headOf('large');
      const body = new Uint8Array(alices.messageBytesMax - head.length).fill(7);
      expect(await stream.append({ head, body }, 0)).toBe(1);
      expect((await another.read(1))?.body.length).toBe(body.length);
      const larger = { head, body: new Uint8Array(body.length + 1) };
      await expect(stream.append(larger, 1)).rejects.toMatchObject({ name: 'TooLarge' });
      expect((await another.newest())?.number).toBe(1);
    });

    test('names that a channel may have are streams of their own', async () => {
      const { alices, bobs, name } = await begin();
      const names = [name, name.toUpperCase(), `${name} `, `${name}.*`, `${name}.>`, `${name}/é`, `${name}/e\u0301`];
      names.push(`${name}${'x'.repeat(200)}`, `${name}${'x'.repeat(199)}`);
      for (const each of names) {
        await alices.stream(each).create(each);
        await alices.stream(each).append(message(each), 0);
      }
      for (const each of names) expect(shown(await bobs.stream(each).read(1))).toEqual([1, headOf(each), each]);
    });

    test('a stream that is made again is left as it is', async () => {
      const { stream, another } = await begin();
      await stream.append(message('a'), 0);
      await Promise.all([another.create('by another name'), stream.create('the room of this test')]);
      expect((await another.newest())?.number).toBe(1);
    });

    test('a stream that is not there is empty, takes nothing, and is gone to who follows', async () => {
      const { alices, name } = await begin();
      const none = alices.stream(`${name}/none`);
      expect([await none.newest(), await none.read(1), await heads(none)]).toEqual([undefined, undefined, []]);
      await none.drop(1);
      await expect(none.append(message('a'), 0)).rejects.toMatchObject({ name: 'StorageFailed' });
      await new Promise<void>((gone) => onTestFinished(none.follow(1, unexpected, gone)));
    });

    test('who follows hears what is there and what comes, once and in order', async () => {
      const { stream, another } = await begin();
      for (let behind = 0; behind < 5; behind += 1) await stream.append(message(String(behind)), behind);
      const [all, some, later] = [gather<StoredMessage>(), gather<StoredMessage>(), gather<StoredMessage>()];
      onTestFinished(another.follow(1, all.add, unexpected));
      onTestFinished(another.follow(4, some.add, unexpected));
      onTestFinished(stream.follow(8, later.add, unexpected));
      for (let behind = 5; behind < 10; behind += 1) await stream.append(message(String(behind)), behind);
      expect((await all.until(10)).map(shown)).toEqual(range(1, 10).map((n) => [n, headOf(`${n - 1}`), `${n - 1}`]));
      expect((await some.until(7)).map(({ number }) => number)).toEqual(range(4, 10));
      expect((await later.until(3)).map(({ number }) => number)).toEqual(range(8, 10));
    });

    test('who has stopped hears nothing more', async () => {
      const { stream, another } = await begin();
      const [stopped, going] = [gather<StoredMessage>(), gather<StoredMessage>()];
      const stop = another.follow(1, stopped.add, unexpected);
      onTestFinished(another.follow(1, going.add, unexpected));
      await stream.append(message('a'), 0);
      await stopped.until(1);
      stop();
      stop();
      await stream.append(message('b'), 1);
      await going.until(2);
      expect(stopped.items.length).toBe(1);
    });

    test('who stops while hearing hears no other', async () => {
      const { stream, another } = await begin();
      for (let behind = 0; behind < 3; behind += 1) await stream.append(message(String(behind)), behind);
      const [stopped, going] = [gather<StoredMessage>(), gather<StoredMessage>()];
      const stop = another.follow(
        1,
        (heard) => {
          stopped.add(heard);
          stop();
        },
        unexpected,
      );
      onTestFinished(another.follow(1, going.add, unexpected));
      await going.until(3);
      await stopped.until(1);
      expect(stopped.items.length).toBe(1);
    });

    test('what is dropped is passed over, and its numbers are not given again', async () => {
      const { stream, another } = await begin();
      for (let behind = 0; behind < 6; behind += 1) await stream.append(message(String(behind)), behind);
      await another.drop(4);
      expect([await stream.read(3), (await stream.read(4))?.number]).toEqual([undefined, 4]);
      expect((await heads(stream)).map(({ number }) => number)).toEqual([4, 5, 6]);
      expect((await heads(stream, 6)).map(({ number }) => number)).toEqual([6]);
      expect(await heads(stream, 7)).toEqual([]);
      const told = gather<StoredMessage>();
      onTestFinished(another.follow(1, told.add, unexpected));
      expect(await stream.append(message('6'), 6)).toBe(7);
      expect((await told.until(4)).map(({ number }) => number)).toEqual([4, 5, 6, 7]);
      await stream.drop(4);
      await stream.drop(1);
      await stream.drop(8);
      expect([await stream.newest(), await heads(stream)]).toEqual([{ number: 7, head: '' }, []]);
      expect(await another.append(message('7'), 7)).toBe(8);
      expect((await told.until(5)).at(-1)?.number).toBe(8);
    });

    test('a message of nobody of ours has no head, and its number', async () => {
      const { under, stream, another, name } = await begin();
      await stream.append(message('a'), 0);
      const told = gather<StoredMessage>();
      onTestFinished(another.follow(1, told.add, unexpected));
      await under.intrude(name, new TextEncoder().encode('hello'));
      expect(shown((await told.until(2)).at(-1))).toEqual([2, '', 'hello']);
      expect(await another.newest()).toEqual({ number: 2, head: '' });
      expect(shown(await another.read(2))).toEqual([2, '', 'hello']);
      expect((await heads(another)).at(-1)).toEqual({ number: 2, head: '' });
      expect(await stream.append(message('b'), 2)).toBe(3);
    });

    test('a stream that is removed is gone, once, to whoever follows it', async () => {
      const { under, name, stream, another } = await begin();
      await stream.append(message('a'), 0);
      const [told, gone] = [gather<StoredMessage>(), gather<string>()];
      onTestFinished(stream.follow(1, told.add, () => gone.add('alice')));
      onTestFinished(another.follow(1, told.add, () => gone.add('bob')));
      await told.until(2);
      await under.remove(name);
      expect([...(await gone.until(2))].sort()).toEqual(['alice', 'bob']);
      expect(await another.newest()).toBeUndefined();
      await another.create('again');
      expect(await stream.append(message('new'), 0)).toBe(1);
      const after = gather<StoredMessage>();
      onTestFinished(stream.follow(1, after.add, unexpected));
      await after.until(1);
      expect([told.items.length, gone.items.length]).toEqual([2, 2]);
    });

    test('what is closed hears nothing more, and says so', async () => {
      const { alices, stream, another } = await begin();
      const [closed, going] = [gather<StoredMessage>(), gather<StoredMessage>()];
      stream.follow(1, closed.add, unexpected);
      onTestFinished(another.follow(1, going.add, unexpected));
      await alices.ready();
      await alices.close();
      await alices.close();
      expect(await another.append(message('a'), 0)).toBe(1);
      await going.until(1);
      expect(closed.items).toEqual([]);
      const tries = [alices.ready(), stream.newest(), stream.read(1), stream.drop(2), stream.append(message('b'), 1)];
      for (const outcome of await Promise.allSettled([...tries, heads(stream), stream.create('')])) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'Closed' } });
      }
    });
  });
}

function message(text: string): Message {
  return { head: headOf(text), body: new TextEncoder().encode(text) };
}

/** As the logs write theirs: JSON. */
function headOf(text: string): string {
  return JSON.stringify({ of: text });
}

function shown(message: StoredMessage | undefined): readonly unknown[] | undefined {
  return message && [message.number, message.head, new TextDecoder().decode(message.body)];
}

/** Its bytes as numbers: what kind of array they lie in says nothing. */
function plain(message: StoredMessage | undefined): object | undefined {
  return message && { ...message, body: [...message.body] };
}

async function heads(stream: Stream, from = 1): Promise<readonly StoredHead[]> {
  const all: StoredHead[] = [];
  for await (const head of stream.heads(from)) all.push(head);
  return all;
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function unexpected(): void {
  throw new Error('nobody was to hear this');
}
