// What the repository as a whole keeps: its top level, its lockfile, its README, its scripts, what its packages ship.
import type { Tree } from './tree.ts';

const topLevel = new Set([
  'packages',
  'apps',
  'e2e',
  'package.json',
  'package-lock.json',
  'turbo.json',
  'tsconfig.json',
  'README.md',
  'PROTOCOL.md',
  'LICENSE',
  'CHANGELOG.md',
]);

/** Names at the top level that do not belong there. Dotfiles do. */
export function strangersAtTop(names: Iterable<string>): readonly string[] {
  return [...names]
    .filter((name) => !name.startsWith('.') && name !== 'node_modules' && !topLevel.has(name))
    .map((name) => `${name} does not belong at the top level`);
}

/** Addresses in the lockfile: they would bind everyone to the registry of whoever wrote it. */
export function lockedAddresses(lockfile: string): readonly string[] {
  return [...lockfile.matchAll(/"resolved":\s*"([^"]*:\/\/[^"]*)"/g)].map(
    ([, address]) => `package-lock.json holds the download address ${address}`,
  );
}

/** What npm knows without a script. */
const builtIn = new Set(['ci', 'install', 'i', 'exec', 'pack', 'publish', 'create', 'init']);

/** Commands in a document's code blocks that no script of the root answers. */
export function unknownCommands(document: string, scripts: Readonly<Record<string, string>>): readonly string[] {
  return codeBlocks(document).flatMap((block) =>
    [...block.matchAll(/(?:^|[\s;&|(])npm (run )?([\w:-]+)/gm)].flatMap(([, run, name = '']) => {
      const known = name in scripts || (run === undefined && builtIn.has(name));
      // `npm name` without `run` works for these two only.
      const reachable = run !== undefined || builtIn.has(name) || name === 'test' || name === 'start';
      return known && reachable ? [] : [`\`npm ${run ?? ''}${name}\` is in the document, and there is no such command`];
    }),
  );
}

/** The document's lines of shell that run the tests. */
export function testCommands(document: string): readonly string[] {
  return codeBlocks(document)
    .flatMap((block) => block.split('\n'))
    .map((line) => line.replace(/#.*$/, '').replace(/^\$ /, '').trim())
    .filter((line) => /\bnpm test\b/.test(line));
}

/** Whether continuous integration runs what the README says, and then the wider tests. */
export function ciDiffers(readme: string, ci: string): readonly string[] {
  const commands = testCommands(readme);
  if (commands.length === 0) return ['the README does not say how to run the tests'];
  const runs = commands.some((command) => ci.split('\n').some((line) => line.startsWith(command)));
  return [
    ...(runs ? [] : [`.ci/run does not run the README's \`${commands[0]}\``]),
    ...(/npm test\b[\s\S]*npm run test:full\b/.test(ci) ? [] : ['.ci/run does not go on with `npm run test:full`']),
  ];
}

/** tsconfig files that the typecheck of their workspace leaves out. */
export function uncheckedConfigs(tree: Tree): readonly string[] {
  return [...tree.keys()].flatMap((path) => {
    const [, home, config] = /^((?:packages|apps)\/[^/]+|e2e)\/(tsconfig[^/]*\.json)$/.exec(path) ?? [];
    if (home === undefined || config === undefined) return [];
    const script = /"typecheck":\s*"([^"]*)"/.exec(tree.get(`${home}/package.json`) ?? '')?.[1] ?? '';
    const runs =
      script.split(/[\s;&]+/).includes(config) || (config === 'tsconfig.json' && /\btsc(?! -p)/.test(script));
    return runs ? [] : [`${path} is not in the "typecheck" script of ${home}`];
  });
}

/** What a package that is published lacks: npm takes both from its own folder, and MIT wants its text with every copy. */
export function unshippable(tree: Tree): readonly string[] {
  return [...tree.entries()].flatMap(([path, manifest]) => {
    const [, home] = /^(packages\/[^/]+)\/package\.json$/.exec(path) ?? [];
    if (home === undefined || /"private":\s*true/.test(manifest)) return [];
    return [
      ...(tree.has(`${home}/README.md`) ? [] : [`${home} is published without a README.md`]),
      ...(tree.get(`${home}/LICENSE`) === tree.get('LICENSE') ? [] : [`${home}/LICENSE is not the repository's`]),
    ];
  });
}

function codeBlocks(document: string): readonly string[] {
  return [...document.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
}
