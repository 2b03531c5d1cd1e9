import { expect, test } from 'vitest';
import { readSettings } from '../src/settings.ts';

const at = (query: string): ReturnType<typeof readSettings> => readSettings(new URL(`http://127.0.0.1:8787/${query}`));

test('by default the page’s own origin is the relay', () => {
  expect(at('')).toMatchObject({ relay: 'http://127.0.0.1:8787', board: 'board', github: 'github' });
});

test('another relay is named in the address', () => {
  expect(at('?relay=http://127.0.0.1:8788/').relay).toBe('http://127.0.0.1:8788');
});

test('what is no web address is refused in a clear sentence', () => {
  expect(() => at('?relay=localhost:8788')).toThrow('?relay= is “localhost:8788”; it must be a web address');
  expect(() => at('?relay=javascript:alert(1)')).toThrow('it must be a web address');
});

test('bob’s team has channels of its own', () => {
  expect(at('?user=bob&channel=team')).toMatchObject({ user: 'bob', board: 'team', github: 'team-github' });
});

test('the rate stays between nothing and what can be read', () => {
  expect(at('?rate=0').rate).toBe(0);
  expect(at('?rate=500').rate).toBe(20);
  expect(at('?rate=-3').rate).toBe(0);
  expect(at('?rate=fast').rate).toBe(1);
});
