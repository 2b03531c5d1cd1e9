// Every adapter runs its port's contract: whoever says `satisfies Store` has a test that calls the store's contract on it.
import { importsOf, withoutComments } from './imports.ts';
import { isSource, isTest, type Tree } from './tree.ts';

/** The ports that have a contract, and the contract's name in core/contracts. */
const contracts: Readonly<Record<string, string>> = {
  Store: 'storeContract',
  TaskStore: 'taskStoreContract',
  DeviceStore: 'taskStoreContract',
  Log: 'logContract',
  Logs: 'logContract',
  Link: 'linkContract',
  Neighbours: 'neighboursContract',
  Tabs: 'tabsContract',
  Telemetry: 'telemetryContract',
  World: 'worldContract',
};

const says = /\bsatisfies (\w+)\b/g;
/** Whoever answers one has made one, also if it forgot to say so. */
const answers = /^export (?:async )?function \w+(?:<[^(]*>)?\([^;]*?\)\s*:\s*(?:Promise<)?(\w+)>?\s*\{$/gm;

/** A source file that fulfils a port. */
export interface Adapter {
  readonly path: string;
  readonly port: string;
}

/** Every adapter in the packages. */
export function adapters(tree: Tree): readonly Adapter[] {
  return [...tree].flatMap(([path, text]) => {
    if (!path.startsWith('packages/') || !isSource(path)) return [];
    const code = withoutComments(text);
    const ports = [...code.matchAll(says), ...code.matchAll(answers)].map(([, port = '']) => port);
    return [...new Set(ports)].filter((port) => port in contracts).map((port) => ({ path, port }));
  });
}

/** Adapters whose contract no test runs on them. */
export function untestedAdapters(tree: Tree): readonly string[] {
  return adapters(tree).flatMap(({ path, port }) => {
    const contract = contracts[port] ?? '';
    const runs = [...tree].some(
      ([test, text]) => isTest(test) && new RegExp(`\\b${contract}\\(`).test(text) && reaches(tree, test, path),
    );
    return runs ? [] : [`${path} satisfies ${port}, and no test runs ${contract}() on it`];
  });
}

/** Whether a test imports the file, or what imports it. */
function reaches(tree: Tree, from: string, to: string): boolean {
  const seen = new Set<string>();
  const queue = [from];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (path === to) return true;
    if (seen.has(path)) continue;
    seen.add(path);
    for (const { target } of importsOf(path, tree.get(path) ?? '')) if (target !== undefined) queue.push(target);
  }
  return false;
}
