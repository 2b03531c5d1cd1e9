// One device: a browser with tabs, each opened, closed, crashed, frozen, with the browser killed, and with no room left.
import type { BrowserContext, CDPSession, Page } from '@playwright/test';
import { makeProfile } from './browser.ts';

/** A tab, as the run names it. */
export interface Tab {
  readonly name: string;
  readonly page: Page;
}

/** A device. */
export interface Device {
  readonly name: string;
  /** Those that are open and can tell. */
  readonly tabs: readonly Tab[];
  /** The one that is frozen, if one is. */
  readonly frozen: string | undefined;
  /** Starts the browser, and opens its tabs. */
  start(): Promise<void>;
  /** SIGKILL to the browser. */
  kill(): Promise<void>;
  open(): Promise<void>;
  close(tab: Tab): Promise<void>;
  /** Its renderer ends within whatever it is doing. */
  crash(tab: Tab): Promise<void>;
  /** Its timers, its promises and its worker stand still; its locks and connections stay. */
  freeze(tab: Tab): Promise<void>;
  thaw(): Promise<void>;
  /** How much the origin may store, in bytes; undefined: what the browser would grant. */
  limit(bytes: number | undefined): Promise<void>;
  remove(): Promise<void>;
}

/** Makes a device. `address` answers what a tab of this name opens. */
export async function makeDevice(name: string, tabsMax: number, address: (tab: string) => URL): Promise<Device> {
  const profile = await makeProfile();
  let context: BrowserContext | undefined;
  let tabs: readonly Tab[] = [];
  let frozen: { readonly tab: string; readonly session: CDPSession } | undefined;
  let limiting: { readonly tab: string; readonly session: CDPSession } | undefined;
  let count = 0;

  async function open(): Promise<void> {
    if (context === undefined) throw new Error(`${name} has no browser`);
    count += 1;
    const tab = `${name}.${count}`;
    const page = await context.newPage();
    await page.goto(address(tab).href);
    tabs = [...tabs, { name: tab, page }];
  }

  function forget({ name }: Tab): void {
    tabs = tabs.filter((tab) => tab.name !== name);
    if (frozen?.tab === name) frozen = undefined;
    if (limiting?.tab === name) limiting = undefined;
  }

  return {
    name,
    open,
    get tabs() {
      return tabs;
    },
    get frozen() {
      return frozen?.tab;
    },
    async start() {
      context = await profile.launch();
      for (let tab = 0; tab < tabsMax; tab += 1) await open();
    },
    async kill() {
      tabs = [];
      frozen = undefined;
      limiting = undefined;
      context = undefined;
      await profile.kill();
    },
    async close(tab) {
      forget(tab);
      await tab.page.close();
    },
    async crash(tab) {
      forget(tab);
      const crashed = new Promise<void>((resolve) => tab.page.once('crash', () => resolve()));
      const session = await sessionOf(tab.page);
      // It never answers: its page is gone.
      session.send('Page.crash').catch(() => undefined);
      await crashed;
      await tab.page.close();
    },
    async freeze(tab) {
      const other = tabs.find(({ name }) => name !== tab.name);
      // Only what is hidden can be frozen.
      await other?.page.bringToFront();
      const session = await sessionOf(tab.page);
      await session.send('Page.setWebLifecycleState', { state: 'frozen' });
      frozen = { tab: tab.name, session };
    },
    async thaw() {
      const thawing = frozen;
      frozen = undefined;
      await thawing?.session.send('Page.setWebLifecycleState', { state: 'active' });
    },
    async limit(bytes) {
      // A bound belongs to the session that set it: no other one takes it back, and with its tab it ends.
      const [tab] = tabs;
      if (tab === undefined) return;
      limiting ??= { tab: tab.name, session: await sessionOf(tab.page) };
      const { origin } = address(limiting.tab);
      const bound = bytes === undefined ? {} : { quotaSize: bytes };
      await limiting.session.send('Storage.overrideQuotaForOrigin', { origin, ...bound });
    },
    remove: () => profile.remove(),
  };
}

function sessionOf(page: Page): Promise<CDPSession> {
  return page.context().newCDPSession(page);
}
