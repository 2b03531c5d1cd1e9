// Which browsers the tests drive: one that was named, Playwright's own Chromium, or the system's.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium as playwrightChromium } from 'playwright';

/** What Playwright, and Vitest's Playwright provider, take as launch options. */
export interface BrowserLaunch {
  /** Absent: Playwright uses its own. */
  readonly executablePath?: string;
  /** How Playwright talks to it, where that is not its own way. */
  readonly channel?: string;
  readonly args: string[];
}

/** What the search looks at; tests hand in their own. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly exists: (path: string) => boolean;
  /** Where Playwright would have installed its own Chromium. */
  readonly playwrightPath: string;
  readonly isRoot: boolean;
}

/** A browser, and where it may be. */
export interface Browser {
  /** The variable that names one. */
  readonly variable: string;
  /** The names under which distributions install it, in the order of preference. */
  readonly commands: readonly string[];
  /** Debian's package. */
  readonly debian: string;
  /** What to say when there is none. */
  readonly missing: string;
}

/** The browsers that the tests know. */
export const browsers = {
  chromium: {
    variable: 'CHROMIUM_PATH',
    commands: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    debian: 'chromium',
    missing:
      'no Chromium was found for the browser tests: run `npx playwright install chromium`, or install Chromium or Google Chrome ' +
      '(on Debian: `apt-get install chromium`), or name one in CHROMIUM_PATH',
  },
  firefox: {
    variable: 'FIREFOX_PATH',
    commands: ['firefox-esr', 'firefox'],
    debian: 'firefox-esr',
    missing:
      'no Firefox was found for the end-to-end tests: install it (on Debian: `apt-get install firefox-esr`), or name one in FIREFOX_PATH',
  },
} as const satisfies Readonly<Record<string, Browser>>;

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
  if (path === undefined) throw new Error(browsers.chromium.missing);
  return path === 'playwright' ? { args } : { executablePath: path, args };
}

/**
 * Finds the system's Firefox and says how to start it: over WebDriver BiDi, which an unpatched Firefox speaks.
 *
 * @throws Error saying what to install, when there is none
 */
export function firefox(machine: Machine = thisMachine()): BrowserLaunch {
  const path = findInSystem(browsers.firefox, machine);
  if (path === undefined) throw new Error(browsers.firefox.missing);
  return { channel: 'moz-firefox', executablePath: path, args: [] };
}

/** The path of a Chromium, `playwright` for Playwright's own, undefined where there is none. */
export function findChromium(machine: Machine): string | undefined {
  const { playwrightPath } = machine;
  return (
    named(browsers.chromium, machine) ??
    (playwrightPath !== '' && machine.exists(playwrightPath)
      ? 'playwright'
      : installed(browsers.chromium.commands, machine))
  );
}

/** The path of a browser that was named or is installed, undefined where there is none. */
export function findInSystem(browser: Browser, machine: Machine): string | undefined {
  return named(browser, machine) ?? installed(browser.commands, machine);
}

function named({ variable }: Browser, { env, exists }: Machine): string | undefined {
  const path = env[variable];
  if (path === undefined || path === '') return undefined;
  // Falling back would test another browser than the one that was asked for.
  if (!exists(path)) throw new Error(`${variable} names ${path}, where there is no file`);
  return path;
}

function installed(commands: readonly string[], { env, exists }: Machine): string | undefined {
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return commands.flatMap((command) => folders.map((folder) => join(folder, command))).find(exists);
}
