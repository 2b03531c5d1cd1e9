// What the bridge is told, and what is wrong with it.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { matchesTopic } from '../../src/mqtt/topics.ts';
import { mqttBridge } from '../../src/mqtt/index.ts';
import { assertMqttOptions } from '../../src/mqtt/options.ts';
import { runRelay } from '../command.ts';
import { folder } from '../relay.ts';

const url = 'mqtt://127.0.0.1';

const wrong: readonly (readonly [options: unknown, sentence: string])[] = [
  [[], 'they are an object'],
  [{}, '"url" is of a broker'],
  [{ url: 'http://127.0.0.1', out: { a: 'a' } }, '"url" is of a broker'],
  [{ url: 'nowhere', out: { a: 'a' } }, '"url" is of a broker'],
  [{ url }, '"out" or "in" names a channel and a topic'],
  [{ url, out: {}, in: {} }, '"out" or "in" names a channel and a topic'],
  [{ url, out: { a: 1 } }, '"out" is an object whose members are text'],
  [{ url, in: ['a'] }, '"in" is an object whose members are text'],
  [{ url, password: 1, out: { a: 'a' } }, '"password" is text'],
  [{ url, clientId: '', out: { a: 'a' } }, '"clientId" has 1 to 128 characters'],
  [{ url, topics: {} }, 'there is no "topics"'],
  [{ url, out: { 'a b': 'a' } }, 'a b'],
  [{ url, in: { a: 'a/b' } }, 'a/b'],
  ...['', 'a/+', '#', '$SYS/a', 'a\0'].map(
    (topic) => [{ url, out: { a: topic } }, 'is no topic to publish to'] as const,
  ),
  ...['', 'a+', '#/a', 'a#', '$SYS/#', 'a\0'].map(
    (filter) => [{ url, in: { [filter]: 'a' } }, 'is no filter'] as const,
  ),
];

test.each(wrong)('%j is refused: %s', (options, sentence) => {
  expect(() => assertMqttOptions(options)).toThrow(sentence);
});

test('a bridge is refused before anything is opened', () => {
  expect(() => mqttBridge({ url, out: { a: 'a/+' } })).toThrow('is no topic to publish to');
});

test('a filter matches by levels', () => {
  for (const [filter, topic] of [
    ['a', 'a'],
    ['a/+', 'a/b'],
    ['a/+/c', 'a/b/c'],
    ['a/#', 'a'],
    ['a/#', 'a/b/c'],
    ['#', 'a/b'],
    ['+/+', '/a'],
  ] as const) {
    expect([filter, topic, matchesTopic(filter, topic)]).toEqual([filter, topic, true]);
  }
  for (const [filter, topic] of [
    ['a', 'b'],
    ['a', 'a/b'],
    ['a/b', 'a'],
    ['a/+', 'a'],
    ['a/+', 'a/b/c'],
    ['+', '/a'],
  ] as const) {
    expect([filter, topic, matchesTopic(filter, topic)]).toEqual([filter, topic, false]);
  }
});

test('the command reads them from a file, and says what is wrong with it', async () => {
  const file = join(await folder(), 'mqtt.json');
  for (const [text, sentence] of [
    ['{', 'is not JSON'],
    ['{"url":"mqtt://127.0.0.1"}', 'names a channel and a topic'],
  ] as const) {
    await writeFile(file, text);
    const relay = runRelay('--port', '0', '--data', await folder(), '--insecure', '--mqtt', file);
    expect([await relay.ended, relay.output.stdout]).toEqual([2, '']);
    expect(relay.output.stderr).toContain(sentence);
  }
  await writeFile(file, '{"url":"mqtt://127.0.0.1:1","out":{"orders":"shop/orders"}}');
  const relay = runRelay('--port', '0', '--data', await folder(), '--insecure', '--mqtt', file);
  await relay.ready;
  relay.child.kill('SIGTERM');
  expect(await relay.ended).toBe(0);
});
