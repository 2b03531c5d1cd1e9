// What every World keeps, simulated or real.
import { describe, expect, test } from 'vitest';
import type { World } from '../ports/world.ts';

/** A world under test: `pass` lets at least `ms` milliseconds go by in it. */
export interface WorldUnderTest {
  readonly world: World;
  pass(ms: number): Promise<void>;
}

/** The law of {@link World}. */
export function worldContract(name: string, make: () => WorldUnderTest | Promise<WorldUnderTest>): void {
  describe(`the world ${name}`, () => {
    test('a timer fires once, after its time, and never before', async () => {
      const { world, pass } = await make();
      const start = world.now();
      const fired: number[] = [];
      world.after(20, () => fired.push(world.now() - start));
      expect(fired).toEqual([]);
      await pass(60);
      expect(fired).toHaveLength(1);
      // A platform's timer may count in whole milliseconds of another clock than the wall's.
      expect(fired[0]).toBeGreaterThanOrEqual(19);
    });

    test('a timer of no time at all does not fire within the call that sets it', async () => {
      const { world, pass } = await make();
      let fired = false;
      world.after(0, () => (fired = true));
      expect(fired).toBe(false);
      await pass(20);
      expect(fired).toBe(true);
    });

    test('a stopped timer never fires, and stopping twice is stopping once', async () => {
      const { world, pass } = await make();
      let fired = false;
      const stop = world.after(10, () => (fired = true));
      stop();
      stop();
      await pass(40);
      expect(fired).toBe(false);
      world.after(1, () => (fired = true));
      await pass(30);
      stop();
      expect(fired).toBe(true);
    });

    test('timers fire in the order of their times', async () => {
      const { world, pass } = await make();
      const fired: string[] = [];
      world.after(40, () => fired.push('later'));
      world.after(5, () => fired.push('sooner'));
      await pass(90);
      expect(fired).toEqual(['sooner', 'later']);
    });

    test('ids are UUIDs of version 7, never the same twice, and increase', async () => {
      const { world } = await make();
      const ids = Array.from({ length: 2000 }, () => world.id());
      expect(new Set(ids).size).toBe(2000);
      expect([...ids].sort()).toEqual(ids);
      for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    });

    test('chance stays within its bounds', async () => {
      const { world } = await make();
      for (let draw = 0; draw < 1000; draw += 1) {
        const number = world.random();
        expect(number).toBeGreaterThanOrEqual(0);
        expect(number).toBeLessThan(1);
      }
    });
  });
}
