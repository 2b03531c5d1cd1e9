import { expect, test } from 'vitest';
import { readOptions } from './options.ts';

test('what is not said has a default, and the seed is another each time', () => {
  expect(readOptions([], () => 42)).toEqual({
    seconds: 60,
    seed: 42,
    relay: 'node',
    rate: 300,
    timeline: false,
    only: undefined,
  });
  expect(readOptions(['--seed', '0', '--relay', 'workerd', '--seconds', '600', '--rate', '500'], () => 42)).toEqual({
    seconds: 600,
    seed: 0,
    relay: 'workerd',
    rate: 500,
    timeline: false,
    only: undefined,
  });
});

test('a wrong option is refused by name', () => {
  expect(() => readOptions(['--relay', 'nats'], () => 1)).toThrow('--relay is node or workerd, got nats');
  expect(() => readOptions(['--seconds', '0'], () => 1)).toThrow('--seconds is a whole number of at least 1, got 0');
  expect(() => readOptions(['--rate', 'x'], () => 1)).toThrow('--rate is a whole number of at least 1, got x');
  expect(() => readOptions(['--second', '1'], () => 1)).toThrow('--second');
});
