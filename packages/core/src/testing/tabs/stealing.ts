// The contract of Tabs, where the lead is stolen: by whom, from whom, and who hears of it.
import { expect, onTestFinished, test } from 'vitest';
import type { OpenedTabs } from './opened.ts';
import { gate, never } from './gate.ts';

/** The lead, and who takes it. */
export function stealing(opened: () => Promise<OpenedTabs>): void {
  test('whoever steals the lead has it at once, before those that wait, and the robbed one hears of it', async () => {
    const { device, alice, bob } = await opened();
    const carol = device.tab();
    onTestFinished(() => carol.close());
    const log: string[] = [];
    const [began, robbed, end] = [gate(), gate(), gate()];
    const first = alice.lead(async (held) => {
      began.open();
      held.addEventListener('abort', robbed.open, { once: true });
      await end.opened;
      log.push('alice ends');
    }, never());
    await began.opened;
    const waiting = bob.lead(async () => void log.push('bob leads'), never());
    await device.settle();
    await carol.lead(
      async (held) => {
        log.push('carol leads');
        await robbed.opened;
        expect(held.aborted).toBe(false);
      },
      never(),
      'steal',
    );
    await waiting;
    // Its own wait ends with its callback, however long ago it was robbed.
    end.open();
    await first;
    expect(log).toEqual(['carol leads', 'bob leads', 'alice ends']);
  });

  test('where nobody leads, a tab that steals leads', async () => {
    const { alice } = await opened();
    let led = false;
    await alice.lead(async () => void (led = true), never(), 'steal');
    expect(led).toBe(true);
  });

  test('a thief is robbed like any other', async () => {
    const { alice, bob } = await opened();
    const robbed = gate();
    const began = gate();
    const first = alice.lead(
      async (held) => {
        held.addEventListener('abort', robbed.open, { once: true });
        began.open();
        await robbed.opened;
      },
      never(),
      'steal',
    );
    await began.opened;
    await bob.lead(async () => undefined, never(), 'steal');
    await first;
  });

  test('a signal that has aborted steals nothing', async () => {
    const { alice, bob } = await opened();
    const [began, end] = [gate(), gate()];
    let held: AbortSignal | undefined;
    const first = alice.lead(async (its) => {
      held = its;
      began.open();
      await end.opened;
    }, never());
    await began.opened;
    let led = false;
    await bob.lead(async () => void (led = true), AbortSignal.abort(), 'steal');
    expect([led, held?.aborted]).toEqual([false, false]);
    end.open();
    await first;
  });

  test('a lead that the signal or closing ends is lost, and its callback hears so', async () => {
    const { alice, bob } = await opened();
    for (const [tab, how] of [
      [alice, 'signal'],
      [bob, 'close'],
    ] as const) {
      const life = new AbortController();
      const [began, lost] = [gate(), gate()];
      const leading = tab.lead(async (held) => {
        held.addEventListener('abort', lost.open, { once: true });
        began.open();
        await lost.opened;
      }, life.signal);
      await began.opened;
      if (how === 'signal') life.abort();
      else tab.close();
      await leading;
    }
  });
}
