// `npm run bench -- failover`: how long a device is silent when the tab that talks to the relay ends, each way that it may:
// from then on until another device has heard what the tab in front has published since.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { chromium, type Page } from '@playwright/test';
import { chromium as found } from '@godwit/testkit/browser';
import { root } from '../src/child.ts';
import { startHangs, type Hangs } from '../src/hang.ts';
import { pages, startRelay } from '../src/relay.ts';
import { openTab, type Tab } from '../src/tab.ts';
import { openWindow, setFrozen, type Window } from '../src/window.ts';

const rounds = 10;
/** What issue 5 and 7 ask for behind a hang or a freeze, in milliseconds; what ends is to be followed at once. */
const targetMs = 3000;
/** How often the listening page looks, in milliseconds: how exactly this is measured. */
const lookMs = 10;
/** A silence that lasts for longer ends the benchmark, in milliseconds. */
const silenceMsMax = 120_000;

const frozen = 'is frozen';
const faults: Readonly<Record<string, (leader: Page, hangs: Hangs) => Promise<unknown>>> = {
  'is closed': (page) => page.close(),
  async crashes(page) {
    const session = await page.context().newCDPSession(page);
    const crashed = page.waitForEvent('crash');
    // Nobody answers: the page is gone.
    session.send('Page.crash').catch(() => undefined);
    await crashed;
  },
  'has a worker that hangs': (page, hangs) => hangs.loop(page),
  [frozen]: (page) => setFrozen(page, true),
};

await promisify(execFile)('npx', ['turbo', 'run', 'build', '--filter=@godwit/e2e', '--output-logs=errors-only'], {
  cwd: root,
  env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
});

const relay = await startRelay(pages.bare);
const hangs = await startHangs();
const elsewhere = await chromium.launch({ ...found(), headless: true });
try {
  const bob = await openTab(await elsewhere.newContext(), relay.url, '?user=bob');
  await bob.online();
  const samples: Record<string, number[]> = {};
  let n = 0;
  // They take turns, so that what disturbs one disturbs the others.
  for (let round = 0; round < rounds; round += 1) {
    for (const [what, end] of Object.entries(faults))
      (samples[what] ??= []).push(await silence(bob, what, end, (n += 1)));
  }
  report(`Chromium ${elsewhere.version()}`, samples);
} finally {
  hangs.end();
  await Promise.all([elsewhere.close(), hangs.close()]);
  await relay.remove();
}

/** A device of its own: only what is not in front of a real window can be frozen. */
async function openDevice(what: string): Promise<Window> {
  if (what === frozen) return openWindow();
  const device = await elsewhere.newContext();
  return { device, close: () => device.close() };
}

/** One round: a leader in the background, and a follower in front of it. */
async function silence(
  bob: Tab,
  what: string,
  end: (leader: Page, hangs: Hangs) => Promise<unknown>,
  n: number,
): Promise<number> {
  const { device, close } = await openDevice(what);
  try {
    const leader = await openTab(device, relay.url);
    await until(leader, 'leader');
    const follower = await openTab(device, relay.url);
    await until(follower, 'follower');
    await follower.page.bringToFront();
    // A device whose tabs and disk have nothing left to do.
    await follower.publish('before', n, 1);
    await heard(bob, 'before', n);
    const begun = performance.now();
    await end(leader.page, hangs);
    const hearing = heard(bob, 'alice', n);
    await follower.publish('alice', n, 1);
    await hearing;
    return performance.now() - begun;
  } finally {
    await close();
  }
}

async function until(tab: Tab, role: string): Promise<void> {
  await tab.page.waitForFunction(
    (role) => godwit.status().role === role && godwit.status().connection === 'online',
    role,
    { polling: lookMs, timeout: silenceMsMax },
  );
}

async function heard(bob: Tab, by: string, n: number): Promise<void> {
  await bob.page.waitForFunction(
    ([by, n]) => godwit.handled('relay').some((note) => note.by === by && note.n === n),
    [by, n] as const,
    { polling: lookMs, timeout: silenceMsMax },
  );
}

function report(title: string, samples: Readonly<Record<string, readonly number[]>>): void {
  const ratios: Record<string, number> = {};
  const targets: Record<string, number> = {};
  process.stdout.write(`\n${title}, Node's relay, ${rounds} rounds, in milliseconds\n`);
  process.stdout.write(`  ${'the tab that leads'.padEnd(28)}${'median'.padStart(9)}${'worst'.padStart(9)}\n`);
  for (const [what, its] of Object.entries(samples)) {
    const sorted = its.toSorted((a, b) => a - b).map(Math.round);
    const [median = Number.NaN, worst = Number.NaN] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
    process.stdout.write(`  ${what.padEnd(28)}${String(median).padStart(9)}${String(worst).padStart(9)}\n`);
    ratios[`${what}: median ms`] = median;
    ratios[`${what}: worst ms`] = worst;
    targets[`${what}: worst ms`] = targetMs;
  }
  const short = Object.entries(targets).flatMap(([name, most]) => ((ratios[name] ?? Infinity) <= most ? [] : [name]));
  process.stdout.write(`\n${JSON.stringify({ bench: 'failover', ratios, targets, short })}\n`);
}
