// Which Chromium the tests drive: one that was named, Playwright's own, or the system's.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium as playwrightChromium } from 'playwright';

/** What Playwright, and Vitest's Playwright provider, take as launch options. */
export interface BrowserLaunch {
  /** Absent: Playwright uses its own. */
  readonly executablePath?: string;
  readonly args: string[];
}

/** What the search looks at; tests hand in their own. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly exists: (path: string) => boolean;
  /** Where Playwright would have installed its own. */
  readonly playwrightPath: string;
  readonly isRoot: boolean;
}

/** The names under which distributions install Chromium and Chrome, in the order of preference. */
const commands = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** What to say when there is no browser. */
export const missingBrowser =
  'no Chromium was found for the browser tests: run `npx playwright install chromium`, or install Chromium or Google Chrome ' +
  '(on Debian: `apt-get install chromium`), or name one in CHROMIUM_PATH';

/** The machine that this process runs on. */
export function thisMachine(): Machine {
  return {
    env: process.env,
    exists: existsSync,
    playwrightPath: playwrightChromium.executablePath(),
    isRoot: process.getuid?.() === 0,
  };
}

/**
 * Finds a Chromium and says how to start it.
 *
 * @throws Error saying what to install, when there is none
 */
export function chromium(machine: Machine = thisMachine()): BrowserLaunch {
  const args = [
    // A silent browser: the tests' own traffic is all there is.
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-quic',
    // Tabs in the background run as in the foreground, so that no test depends on which tab is in front.
    '--disable-background-timer-throttling',
    '--disable-backgrounding-occluded-windows',
    '--disable-renderer-backgrounding',
    // Containers give /dev/shm 64 MB, which a page outgrows.
    '--disable-dev-shm-usage',
    // Chromium refuses to sandbox as root.
    ...(machine.isRoot ? ['--no-sandbox'] : []),
  ];
  const path = findChromium(machine);
  if (path === undefined) throw new Error(missingBrowser);
  return path === 'playwright' ? { args } : { executablePath: path, args };
}

/** The path of a Chromium, `playwright` for Playwright's own, undefined where there is none. */
export function findChromium({ env, exists, playwrightPath }: Machine): string | undefined {
  const named = env['CHROMIUM_PATH'];
  if (named !== undefined && named !== '') {
    // Falling back would test another browser than the one that was asked for.
    if (!exists(named)) throw new Error(`CHROMIUM_PATH names ${named}, where there is no file`);
    return named;
  }
  if (playwrightPath !== '' && exists(playwrightPath)) return 'playwright';
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return commands.flatMap((command) => folders.map((folder) => join(folder, command))).find(exists);
}
