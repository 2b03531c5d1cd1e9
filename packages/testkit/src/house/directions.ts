// Which way imports may point: DESIGN.md's drawing, held by a test.
import { importsOf, sourceImports, type Import } from './imports.ts';
import { isSource, type Tree } from './tree.ts';

/** Inside core: what each folder may import beside itself. */
const event = ['event', 'failure'];
const protocol = ['protocol', ...event];
const ports = ['ports', ...protocol];
/** Backoff and waiting: what everything that tries again shares. */
const timing = ['timing', ...ports];
const middle = ['dispatcher', 'sync', 'election', 'durable'];
const core: Readonly<Record<string, readonly string[]>> = {
  failure: [],
  event: ['failure'],
  protocol: event,
  ports: protocol,
  // The references implement the ports. The one of `Link` ends at a relay's channels, which are feed's.
  memory: ['feed', ...ports],
  timing: ports,
  dispatcher: timing,
  sync: timing,
  election: timing,
  durable: timing,
  runtime: [...middle, ...timing],
  feed: [...middle, ...timing],
  testing: ['memory', 'runtime', 'feed', ...middle, ...timing],
};
/** Entry points gather; the package's test helpers may use everything. */
const coreEntries = new Set(['index']);

/** Between packages: whom each may import. */
const packages: Readonly<Record<string, readonly string[]>> = {
  'packages/core': [],
  'packages/client': ['@godwit/core'],
  'packages/relay': ['@godwit/core'],
  'packages/otel': ['@godwit/core'],
  'packages/react': ['@godwit/client', '@godwit/core'],
  'packages/devtools': ['@godwit/client', '@godwit/core'],
  'packages/cli': ['@godwit/client', '@godwit/relay', '@godwit/core'],
  'packages/testkit': [],
  'apps/demo': ['@godwit/client', '@godwit/relay', '@godwit/core'],
  'apps/docs': ['@godwit/client', '@godwit/relay', '@godwit/core'],
  'apps/edge': ['@godwit/relay', '@godwit/core'],
  e2e: [
    '@godwit/docs',
    '@godwit/testkit',
    '@godwit/client',
    '@godwit/relay',
    '@godwit/otel',
    '@godwit/core',
    '@godwit/demo',
    '@godwit/edge',
  ],
};
/** Tests and configs of any package may use it. */
const testkit = '@godwit/testkit';

/** Imports that point the wrong way. */
export function wrongDirections(tree: Tree): readonly string[] {
  return [...coreDirections(tree), ...packageDirections(tree), ...entryPoints(tree)];
}

/**
 * Files that import each other in a circle. As code, which of them runs first would depend on who imports whom; as types, neither
 * could be read without the other.
 */
export function cycles(tree: Tree): readonly string[] {
  const targets = new Map<string, string[]>();
  for (const { from, target } of sourceImports(tree)) {
    if (target !== undefined) targets.set(from, [...(targets.get(from) ?? []), target]);
  }
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const begin = trail.indexOf(path);
    if (begin !== -1) found.push(`a cycle: ${[...trail.slice(begin), path].join(' → ')}`);
    if (begin !== -1 || done.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of targets.keys()) visit(path, []);
  return found;
}

/** What core/contracts is written with; whoever runs them has it. */
const testTools = new Set(['vitest', 'fast-check']);

function coreDirections(tree: Tree): readonly string[] {
  const prefix = 'packages/core/src/';
  return sourceImports(tree, prefix).flatMap((item) => {
    const from = folderOf(item.from.slice(prefix.length));
    if (item.target === undefined) {
      return item.typeOnly || (from === 'testing' && testTools.has(item.specifier)) ? [] : [outside(item)];
    }
    const to = folderOf(item.target.slice(prefix.length));
    if (coreEntries.has(from) || from === to) return [];
    const allowed = core[from];
    if (allowed === undefined) return [`${item.from}: core has no room called "${from}" in DESIGN.md`];
    return allowed.includes(to) ? [] : [`${item.from} imports ${item.specifier}: ${from} may not import ${to}`];
  });
}

function outside({ from, specifier }: Import): string {
  return `${from} imports ${specifier}: core has no dependencies`;
}

function packageDirections(tree: Tree): readonly string[] {
  return [...tree]
    .filter(([path]) => path.endsWith('.ts'))
    .flatMap(([path, text]) => importsOf(path, text))
    .flatMap(({ from, specifier }) => {
      const [name] = /^@godwit\/[^/]+/.exec(specifier) ?? [];
      const home = homeOf(from);
      if (name === undefined || home === undefined) return [];
      if (name === testkit && !isShipped(from)) return [];
      const allowed = packages[home] ?? [];
      return allowed.includes(name) || name === nameOf(tree, home)
        ? []
        : [`${from} imports ${specifier}: ${home} may not import ${name}`];
    });
}

/** What another package does not export is its own affair. */
function entryPoints(tree: Tree): readonly string[] {
  return [...tree]
    .filter(([path]) => path.endsWith('.ts'))
    .flatMap(([path, text]) => importsOf(path, text))
    .flatMap(({ from, specifier, target }) => {
      const home = homeOf(from);
      if (home === undefined) return [];
      if (target !== undefined) {
        return target.startsWith(`${home}/`) ? [] : [`${from} imports ${specifier}, which is outside its package`];
      }
      const [, name, rest] = /^(@godwit\/[^/]+)(\/.*)?$/.exec(specifier) ?? [];
      if (name === undefined) return [];
      return exportsOf(tree, name).includes(`.${rest ?? ''}`)
        ? []
        : [`${from} imports ${specifier}, which ${name} does not export`];
    });
}

function exportsOf(tree: Tree, name: string): readonly string[] {
  for (const [path, text] of tree) {
    if (!path.endsWith('/package.json')) continue;
    const manifest: unknown = JSON.parse(text);
    if (!isRecord(manifest) || manifest['name'] !== name) continue;
    return isRecord(manifest['exports']) ? Object.keys(manifest['exports']) : [];
  }
  return [];
}

function nameOf(tree: Tree, home: string): string | undefined {
  const manifest: unknown = JSON.parse(tree.get(`${home}/package.json`) ?? '{}');
  return isRecord(manifest) && typeof manifest['name'] === 'string' ? manifest['name'] : undefined;
}

function homeOf(path: string): string | undefined {
  return /^(?:packages|apps)\/[^/]+|^e2e(?=\/)/.exec(path)?.[0];
}

function folderOf(path: string): string {
  return (path.split('/')[0] ?? '').replace(/\.ts$/, '');
}

/** Whether users get it: a config or a test may use what a package's source may not. */
function isShipped(path: string): boolean {
  return isSource(path) && path.includes('/src/');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
