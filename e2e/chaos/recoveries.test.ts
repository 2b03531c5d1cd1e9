import { expect, test } from 'vitest';
import { watchRecoveries } from './recoveries.ts';

function watch(): {
  readonly watch: ReturnType<typeof watchRecoveries>;
  readonly alive: Map<string, number>;
  at(ms: number): void;
} {
  const alive = new Map<string, number>();
  let now = 0;
  return {
    alive,
    watch: watchRecoveries(
      () => now,
      (who) => alive.get(who) ?? 0,
    ),
    at: (ms) => {
      now = ms;
    },
  };
}

test('a device has recovered once it hears, and is heard, of what came behind the healing', () => {
  const { watch: its, alive, at } = watch();
  at(100);
  its.struck(['alice']);
  its.healed('line cut', ['alice']);
  alive.set('alice', 100);
  at(200);
  its.look();
  expect(its.all).toEqual([{ kind: 'line cut', isDisturbed: false, ms: undefined }]);
  alive.set('alice', 101);
  at(350);
  its.look();
  at(900);
  its.look();
  expect(its.all).toEqual([{ kind: 'line cut', isDisturbed: false, ms: 250 }]);
});

test('when the relay was struck, the last device that recovers counts', () => {
  const { watch: its, alive, at } = watch();
  its.struck(['alice', 'bob']);
  its.healed('relay killed', ['alice', 'bob']);
  alive.set('alice', 10);
  at(20);
  its.look();
  alive.set('bob', 25);
  at(30);
  its.look();
  expect(its.all).toEqual([{ kind: 'relay killed', isDisturbed: false, ms: 30 }]);
});

test('a device that is struck again before it has recovered is disturbed, and the others are not', () => {
  const { watch: its } = watch();
  its.struck(['alice']);
  its.healed('line cut', ['alice']);
  its.struck(['bob']);
  its.healed('tab crashed', ['bob']);
  its.struck(['alice', 'carol']);
  expect(its.all.map(({ isDisturbed }) => isDisturbed)).toEqual([true, false]);
});

test('whoever is struck by something else when a fault is healed is disturbed', () => {
  const { watch: its } = watch();
  its.struck(['alice']);
  its.struck(['alice', 'bob']);
  its.healed('relay killed', ['alice', 'bob']);
  its.healed('quota exceeded', ['alice']);
  expect(its.all.map(({ isDisturbed }) => isDisturbed)).toEqual([true, false]);
});
