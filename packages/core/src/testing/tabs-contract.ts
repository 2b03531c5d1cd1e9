// What every Tabs keeps, in memory or by the platform's locks and channels.
import { describe, expect, onTestFinished, test } from 'vitest';
import type { TabMessage, Tabs } from '../ports/tabs.ts';
import { gate, never } from './tabs/gate.ts';
import type { OpenedTabs, TabsDevice } from './tabs/opened.ts';
import { stealing } from './tabs/stealing.ts';
import { gather, type Gathered } from './waiting.ts';

/** The law of {@link Tabs}, where the platform has locks. */
export function tabsContract(name: string, make: () => TabsDevice | Promise<TabsDevice>): void {
  describe(`the tabs ${name}`, () => {
    describe('living', () => {
      test('a tab that lives is not gone; one that was closed is, and whoever waits hears of it', async () => {
        const { alice, bob, device } = await opened();
        await alice.live('alice');
        const heard: string[] = [];
        const waiting = bob.gone('alice', never()).then((isGone) => heard.push(`gone: ${isGone}`));
        const own = device.tab();
        onTestFinished(() => own.close());
        const other = own.gone('alice', never()).then((isGone) => heard.push(`gone: ${isGone}`));
        await device.settle();
        expect(heard).toEqual([]);
        alice.close();
        await Promise.all([waiting, other]);
        expect(heard).toEqual(['gone: true', 'gone: true']);
      });

      test('a tab that never lived is gone', async () => {
        const { alice } = await opened();
        expect(await alice.gone('nobody', never())).toBe(true);
      });

      test('a wait that is aborted says that it does not know', async () => {
        const { alice, bob } = await opened();
        await alice.live('alice');
        const waiting = new AbortController();
        const asked = bob.gone('alice', waiting.signal);
        waiting.abort();
        expect(await asked).toBe(false);
        expect(await bob.gone('alice', AbortSignal.abort())).toBe(false);
      });

      test('tabs live side by side, and on another log nobody knows of them', async () => {
        const { alice, bob, device } = await opened();
        await Promise.all([alice.live('alice'), bob.live('bob')]);
        alice.close();
        expect(await bob.gone('alice', never())).toBe(true);
        const stranger = device.stranger();
        onTestFinished(() => stranger.close());
        expect(await stranger.gone('bob', never())).toBe(true);
      });
    });

    describe('lead', () => {
      test('a lone tab leads, and its leadership ends with its callback', async () => {
        const { alice } = await opened();
        let led = false;
        await alice.lead(async () => {
          await Promise.resolve();
          led = true;
        }, never());
        expect(led).toBe(true);
        expect(alice.exclusive).toBe(true);
      });

      test('of two tabs one leads; the other follows when the first has ended', async () => {
        const { alice, bob } = await opened();
        const log: string[] = [];
        const end = gate();
        const began = gate();
        const first = alice.lead(async () => {
          log.push('alice begins');
          began.open();
          await end.opened;
          log.push('alice ends');
        }, never());
        await began.opened;
        const second = bob.lead(async () => void log.push('bob begins'), never());
        const other = alice.lead(async () => void log.push('alice begins again'), never());
        end.open();
        await Promise.all([first, second, other]);
        expect(log).toEqual(['alice begins', 'alice ends', 'bob begins', 'alice begins again']);
      });

      test('ten tabs that want to lead at once lead one after the other', async () => {
        const device = await made();
        let leading = 0;
        let most = 0;
        const tabs = Array.from({ length: 10 }, () => device.tab());
        await Promise.all(
          tabs.map((tab) =>
            tab.lead(async () => {
              leading += 1;
              most = Math.max(most, leading);
              await device.settle();
              leading -= 1;
            }, never()),
          ),
        );
        expect(most).toBe(1);
        for (const tab of tabs) tab.close();
      });

      test('a wait that is aborted ends without having led', async () => {
        const { alice, bob } = await opened();
        const end = gate();
        const first = alice.lead(() => end.opened, never());
        const waiting = new AbortController();
        let led = false;
        const second = bob.lead(async () => void (led = true), waiting.signal);
        waiting.abort();
        await second;
        end.open();
        await first;
        // Whoever waits behind an aborted wait is not held up by it.
        await alice.lead(async () => undefined, never());
        expect(led).toBe(false);
      });

      test('a signal that has aborted already never leads', async () => {
        const { alice } = await opened();
        let led = false;
        await alice.lead(async () => void (led = true), AbortSignal.abort());
        await alice.lead(async () => undefined, never());
        expect(led).toBe(false);
      });

      test('aborting ends the leadership, also of a callback that goes on', async () => {
        const { alice, bob } = await opened();
        const term = new AbortController();
        const began = gate();
        const end = gate();
        const first = alice.lead(async () => {
          began.open();
          await end.opened;
        }, term.signal);
        await began.opened;
        const second = bob.lead(async () => undefined, never());
        term.abort();
        await second;
        end.open();
        await first;
      });

      test('a tab that is closed lets go of the lead, and waits no more', async () => {
        const { device, alice, bob } = await opened();
        const began = gate();
        const end = gate();
        const first = alice.lead(() => {
          began.open();
          return end.opened;
        }, never());
        await began.opened;
        const waiting = device.tab();
        let led = false;
        const third = waiting.lead(async () => void (led = true), never());
        waiting.close();
        await third;
        alice.close();
        await bob.lead(async () => undefined, never());
        end.open();
        await first;
        expect(led).toBe(false);
      });

      test('a callback that fails rejects its own wait, and the next leads', async () => {
        const { alice, bob } = await opened();
        const first = alice.lead(async () => {
          throw new Error('the leader stumbled');
        }, never());
        const second = bob.lead(async () => undefined, never());
        await expect(first).rejects.toThrow('the leader stumbled');
        await second;
      });

      test('whoever shares no log shares no election', async () => {
        const { device, alice } = await opened();
        const stranger = device.stranger();
        const end = gate();
        const first = alice.lead(() => end.opened, never());
        await stranger.lead(async () => undefined, never());
        end.open();
        await first;
        stranger.close();
      });
    });

    describe('stealing', () => stealing(opened));

    describe('announce', () => {
      test('every other tab that listens hears a message, and its sender never', async () => {
        const { device, alice, bob } = await opened();
        const carol = device.tab();
        const heard = { alice: listen(alice), bob: listen(bob), carol: listen(carol) };
        alice.announce(grew('room'));
        await heard.bob.until(1);
        await heard.carol.until(1);
        await device.settle();
        expect(heard.alice.items).toEqual([]);
        expect(heard.bob.items).toEqual([grew('room')]);
        expect(heard.carol.items).toEqual([grew('room')]);
        carol.close();
      });

      test('messages of one tab are heard in its order', async () => {
        const { alice, bob } = await opened();
        const heard = listen(bob);
        const sent = Array.from({ length: 100 }, (_, index) => grew(`room${index}`));
        for (const message of sent) alice.announce(message);
        await heard.until(100);
        expect(heard.items).toEqual(sent);
      });

      test('nobody is called within the call that announces', async () => {
        const { alice, bob } = await opened();
        const heard = listen(bob);
        alice.announce(grew('room'));
        expect(heard.items).toEqual([]);
        await heard.until(1);
      });

      test('what crosses is a copy', async () => {
        const { alice, bob } = await opened();
        const heard = listen(bob);
        const event = { specversion: '1.0', id: '1', source: 's', type: 'pointer.moved', data: { x: 1 } } as const;
        const data: { x: number } = event.data;
        alice.announce({ kind: 'ephemeral', channel: 'room', outbound: true, events: [event] });
        data.x = 2;
        await heard.until(1);
        expect(heard.items).toMatchObject([{ events: [{ data: { x: 1 } }] }]);
      });

      test('whoever stopped listening hears no more, and stopping twice is stopping once', async () => {
        const { device, alice, bob } = await opened();
        const [stopped, listening] = [listen(bob), listen(bob)];
        alice.announce(grew('before'));
        await listening.until(1);
        stopped.stop();
        stopped.stop();
        alice.announce(grew('after'));
        await listening.until(2);
        await device.settle();
        expect(stopped.items).toEqual([grew('before')]);
      });

      test('two equal listeners are two listeners', async () => {
        const { device, alice, bob } = await opened();
        let calls = 0;
        const listener = (): void => void (calls += 1);
        const stop = bob.hear(listener);
        bob.hear(listener);
        const heard = listen(bob);
        alice.announce(grew('room'));
        await heard.until(1);
        expect(calls).toBe(2);
        stop();
        alice.announce(grew('room'));
        await heard.until(2);
        await device.settle();
        expect(calls).toBe(3);
      });

      test('a closed tab neither hears nor is heard, and closing twice is closing once', async () => {
        const { device, alice, bob } = await opened();
        const carol = device.tab();
        const heard = { alice: listen(alice), bob: listen(bob) };
        bob.close();
        bob.close();
        bob.announce(grew('from beyond'));
        carol.announce(grew('room'));
        await heard.alice.until(1);
        await device.settle();
        expect(heard.alice.items).toEqual([grew('room')]);
        expect(heard.bob.items).toEqual([]);
        carol.close();
      });

      test('a tab of another log hears nothing', async () => {
        const { device, alice, bob } = await opened();
        const stranger = device.stranger();
        const heard = { bob: listen(bob), stranger: listen(stranger) };
        alice.announce(grew('room'));
        await heard.bob.until(1);
        await device.settle();
        expect(heard.stranger.items).toEqual([]);
        stranger.close();
      });
    });
  });

  async function made(): Promise<TabsDevice> {
    const device = await make();
    onTestFinished(() => device.dispose());
    return device;
  }

  async function opened(): Promise<OpenedTabs> {
    const device = await made();
    const [alice, bob] = [device.tab(), device.tab()];
    onTestFinished(() => {
      alice.close();
      bob.close();
    });
    return { device, alice, bob };
  }
}

function grew(channel: string): TabMessage {
  return { kind: 'grew', outbox: [{ channel, events: 1, bytes: 10 }], upTo: 1024 };
}

/** Listens, and lets a test wait for the n-th message. */
function listen(tab: Tabs): Pick<Gathered<TabMessage>, 'items' | 'until'> & { readonly stop: () => void } {
  const { items, add, until } = gather<TabMessage>();
  return { items, until, stop: tab.hear(add) };
}
