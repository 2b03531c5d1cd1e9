// Sees to it that the browsers named (Chromium, if none is) are there before the tests begin. On Debian, as root, it
// installs what is missing.
import { browsers, findChromium, findInSystem, thisMachine } from './browser.ts';
import { installDebian } from './debian.ts';

const asked = process.argv.slice(2);
for (const name of asked.length > 0 ? asked : ['chromium']) {
  if (name !== 'chromium' && name !== 'firefox') throw new Error(`"${name}" is no browser of these tests`);
  ensure(name);
}

function ensure(name: keyof typeof browsers): void {
  const browser = browsers[name];
  const find = (): string | undefined =>
    name === 'chromium' ? findChromium(thisMachine()) : findInSystem(browser, thisMachine());
  let found = find();
  if (found === undefined && installDebian(browser.debian)) found = find();
  if (found === undefined) {
    process.stderr.write(`${browser.missing}\n`);
    process.exitCode = 1;
  } else process.stdout.write(`${name}: ${found === 'playwright' ? 'Playwright’s own' : found}\n`);
}
