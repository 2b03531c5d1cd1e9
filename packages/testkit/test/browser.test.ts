import { expect, test } from 'vitest';
import { browsers, chromium, firefox, type Machine } from '../src/browser.ts';

function machine(files: readonly string[], env: Machine['env'] = { PATH: '/usr/local/bin:/usr/bin' }): Machine {
  return { env, exists: (path) => files.includes(path), playwrightPath: '/cache/chromium', isRoot: false };
}

test('a Chromium that was named is taken, whatever else there is', () => {
  const found = chromium(machine(['/opt/chrome', '/cache/chromium'], { CHROMIUM_PATH: '/opt/chrome' }));
  expect(found.executablePath).toBe('/opt/chrome');
});

test('a Chromium that was named and is not there is an error: another browser is not what was asked for', () => {
  expect(() => chromium(machine(['/cache/chromium'], { CHROMIUM_PATH: '/opt/chrome' }))).toThrow('/opt/chrome');
});

test('without a name, Playwright’s own goes before the system’s', () => {
  expect(chromium(machine(['/cache/chromium', '/usr/bin/chromium'])).executablePath).toBeUndefined();
});

test('the system’s Chromium is found, and Chrome where there is no Chromium', () => {
  expect(chromium(machine(['/usr/bin/google-chrome', '/usr/bin/chromium'])).executablePath).toBe('/usr/bin/chromium');
  expect(chromium(machine(['/usr/bin/google-chrome-stable'])).executablePath).toBe('/usr/bin/google-chrome-stable');
});

test('where there is no browser, the error says what to install', () => {
  expect(() => chromium(machine([]))).toThrow(browsers.chromium.missing);
  expect(browsers.chromium.missing).toMatch(/npx playwright install chromium.*apt-get install chromium.*CHROMIUM_PATH/);
});

test('only root starts without the sandbox', () => {
  const files = ['/cache/chromium'];
  expect(chromium(machine(files)).args).not.toContain('--no-sandbox');
  expect(chromium({ ...machine(files), isRoot: true }).args).toContain('--no-sandbox');
});

test('a Firefox is found as Chromium is, and driven over WebDriver BiDi', () => {
  expect(firefox(machine(['/usr/bin/firefox', '/usr/bin/firefox-esr']))).toEqual({
    channel: 'moz-firefox',
    executablePath: '/usr/bin/firefox-esr',
    args: [],
  });
  expect(firefox(machine(['/opt/fox'], { FIREFOX_PATH: '/opt/fox' })).executablePath).toBe('/opt/fox');
  expect(() => firefox(machine(['/usr/bin/chromium']))).toThrow(
    /no Firefox.*apt-get install firefox-esr.*FIREFOX_PATH/,
  );
});
