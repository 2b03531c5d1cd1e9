import type { Sink } from '@godwit/core/feed';
import { expect, test } from 'vitest';
import { mergeReadings } from './merge-readings.ts';

const encoder = new TextEncoder();
const drain = 'event: drain\ndata: {"retryAfterMs":1}\n\n';

/** A connection that takes so many frames before it is full, and a channel that says what it is told. */
function createConnection() {
  const took: string[] = [];
  const state = { room: Infinity, closed: 0, resumed: [] as string[], detached: [] as string[] };
  const sinks = new Map<string, Sink>();
  const channel = (name: string) => (sink: Sink) => {
    sinks.set(name, sink);
    return { resume: () => void state.resumed.push(name), detach: () => void state.detached.push(name) };
  };
  const sink: Sink = {
    send(bytes) {
      took.push(new TextDecoder().decode(bytes));
      state.room -= 1;
      return state.room > 0;
    },
    close: () => void (state.closed += 1),
  };
  const say = (name: string, text: string): boolean | undefined => sinks.get(name)?.send(encoder.encode(text));
  return { took, state, channel, sink, say, end: (name: string) => sinks.get(name)?.close() };
}

test('what is put in before the connection is handed over comes first, in its order', () => {
  const { took, channel, sink, say } = createConnection();
  const merged = mergeReadings();
  merged.send(encoder.encode('1'));
  merged.add(channel('a'));
  merged.send(encoder.encode('2'));
  merged.attach(sink);
  merged.add(channel('b'));
  expect([say('a', 'a'), say('b', 'b')]).toEqual([true, true]);
  expect(took).toEqual(['1', '2', 'a', 'b']);
});

test('when there is room again all go on, each time from another one', () => {
  const { state, channel, sink, say } = createConnection();
  const merged = mergeReadings();
  const reading = merged.attach(sink);
  for (const name of ['a', 'b', 'c']) merged.add(channel(name));
  state.room = 1;
  expect(say('a', 'a')).toBe(false);
  reading.resume();
  reading.resume();
  expect(state.resumed).toEqual(['a', 'b', 'c', 'b', 'c', 'a']);
});

test('when one ends all do; of their words of farewell one is said, last', () => {
  const { took, state, channel, sink, say, end } = createConnection();
  const merged = mergeReadings();
  let ended = 0;
  merged.onEnd(() => (ended += 1));
  merged.attach(sink);
  for (const name of ['a', 'b']) merged.add(channel(name));
  say('a', drain);
  say('b', 'b');
  say('b', drain.replace('1', '2'));
  end('b');
  end('a');
  merged.send(encoder.encode('late'));
  merged.add(channel('c'));
  expect([took, state.closed, state.detached, ended]).toEqual([['b', drain], 1, ['a', 'b'], 1]);
});

test('one that is over before the connection is handed over ends it at once', () => {
  const { took, state, channel, sink } = createConnection();
  const merged = mergeReadings();
  merged.add(channel('a'));
  merged.drain(encoder.encode(drain));
  merged.attach(sink);
  expect([took, state.closed]).toEqual([[drain], 1]);
});

test('a silent connection has a heartbeat, and one that is full has none', () => {
  const { took, state, channel, sink, say } = createConnection();
  const merged = mergeReadings();
  merged.attach(sink);
  merged.add(channel('a'));
  for (let tick = 0; tick < 3; tick += 1) merged.beat(3, encoder.encode('beat'));
  expect(took).toEqual(['beat']);
  state.room = 1;
  say('a', 'a');
  for (let tick = 0; tick < 9; tick += 1) merged.beat(3, encoder.encode('beat'));
  expect(took).toEqual(['beat', 'a']);
});
