import { expect, test } from 'vitest';
import { createTestWorld } from '../world.ts';
import { createLife } from './life.ts';
import { createSimTabs } from './tabs.ts';
import { noFaults } from './faults.ts';
import { createDice } from './dice.ts';
import { createSimWorld } from './world.ts';

function alice() {
  const base = createTestWorld();
  const life = createLife(() => 0);
  return { base, life, world: createSimWorld({ base, life, seed: 1 }) };
}

test('a frozen tab gets no answer and no timer before it is thawed, and then all of them', async () => {
  const { base, life, world } = alice();
  const got: string[] = [];
  life.freeze();
  world.after(10, () => got.push('timer'));
  void life.gate(Promise.resolve('answer')).then((answer) => got.push(answer));
  await base.advance(1000);
  expect(got).toEqual([]);
  life.thaw();
  await base.settle();
  expect(got.toSorted()).toEqual(['answer', 'timer']);
});

test('a dead tab gets nothing any more, and leaves no timer behind', async () => {
  const { base, life, world } = alice();
  const got: string[] = [];
  world.after(10, () => got.push('timer'));
  void life.gate(Promise.resolve('answer')).then((answer) => got.push(answer));
  life.kill();
  life.thaw();
  expect(base.timers).toBe(0);
  await base.advance(1000);
  expect(got).toEqual([]);
});

test('once it is buried, whatever a dead tab waited for is refused', async () => {
  const { life } = alice();
  const asked = life.gate(new Promise(() => undefined));
  life.kill();
  life.bury();
  await expect(asked).rejects.toMatchObject({ name: 'Closed' });
  await expect(life.never()).rejects.toMatchObject({ name: 'Closed' });
});

test('a frozen tab keeps the lead; a dead one leaves it to the next', async () => {
  const base = createTestWorld();
  const device = createSimTabs({ faults: noFaults(), dice: createDice(base.random), base });
  const [one, other] = [createLife(() => 0), createLife(() => 0)];
  const led: string[] = [];
  const forever = new AbortController().signal;
  const [first, second] = [device.tab(one), device.tab(other)];
  void first.lead(() => new Promise(() => led.push('first')), forever);
  await base.settle();
  void second.lead(async () => void led.push('second'), forever);
  one.freeze();
  await base.advance(60_000);
  expect(led).toEqual(['first']);
  one.kill();
  await base.settle();
  expect(led).toEqual(['first', 'second']);
});
