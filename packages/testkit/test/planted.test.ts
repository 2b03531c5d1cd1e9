// A check that cannot fail proves nothing: each one finds a violation that is planted for it, and passes its cure over.
import { describe, expect, test } from 'vitest';
import { adapters, untestedAdapters } from '../src/house/contracts.ts';
import { cycles, wrongDirections } from '../src/house/directions.ts';
import { leftOutTests, longFiles, undocumentedNames } from '../src/house/files.ts';
import {
  ciDiffers,
  lockedAddresses,
  strangersAtTop,
  testCommands,
  uncheckedConfigs,
  unknownCommands,
  unshippable,
} from '../src/house/repository.ts';
import { tree } from '../src/house/tree.ts';

const manifests = {
  'packages/core/package.json': '{"name":"@godwit/core","exports":{".":"x","./protocol":"x"}}',
  'packages/client/package.json': '{"name":"@godwit/client","exports":{".":"x"}}',
  'packages/relay/package.json': '{"name":"@godwit/relay","exports":{".":"x"}}',
  'packages/testkit/package.json': '{"name":"@godwit/testkit","exports":{"./browser":"x"}}',
};

describe('directions', () => {
  test.each([
    [
      'an event that knows of ports',
      'packages/core/src/event/id.ts',
      "import type { World } from '../ports/world.ts';",
    ],
    ['a port that knows of its reference', 'packages/core/src/ports/store.ts', "export * from '../memory/store.ts';"],
    ['a dispatcher that knows of sync', 'packages/core/src/dispatcher/d.ts', "import { sync } from '../sync/sync.ts';"],
    ['a type imported inline', 'packages/core/src/event/id.ts', "type W = import('../ports/world.ts').World;"],
    ['a side-effect import', 'packages/core/src/protocol/frames.ts', "import '../feed/feed.ts';"],
    [
      'an import over several lines',
      'packages/core/src/event/id.ts',
      "import {\n  World,\n} from '../ports/world.ts';",
    ],
    ['a room that is not drawn', 'packages/core/src/misc/x.ts', "import { Failure } from '../failure.ts';"],
    ['vitest in what is shipped', 'packages/core/src/sync/x.ts', "import { test } from 'vitest';"],
    ['a dependency of core', 'packages/core/src/sync/x.ts', "import { openDB } from 'idb';"],
    ['a client that knows the relay', 'packages/client/src/x.ts', "import { startRelay } from '@godwit/relay';"],
    ['a relay that knows the client', 'packages/relay/src/x.ts', "import { createRuntime } from '@godwit/client';"],
    ['a back door into a package', 'packages/client/src/x.ts', "import { x } from '@godwit/core/src/event/id.ts';"],
    ['a path into another package', 'packages/client/src/x.ts', "import { x } from '../../core/src/index.ts';"],
    ['test helpers in what is shipped', 'packages/client/src/x.ts', "import { x } from '@godwit/testkit/browser';"],
  ])('%s is found', (_, path, line) => {
    expect(wrongDirections(tree({ ...manifests, [path]: line }))).not.toEqual([]);
  });

  test.each([
    ['runtime knows everything below it', 'packages/core/src/runtime/r.ts', "import { sync } from '../sync/sync.ts';"],
    ['a reference implements its port', 'packages/core/src/memory/m.ts', "import type { S } from '../ports/store.ts';"],
    ['client and relay share the protocol', 'packages/relay/src/x.ts', "import { x } from '@godwit/core/protocol';"],
    ['an example in a comment imports', 'packages/core/src/event/id.ts', "/**\n * import { x } from 'idb';\n */"],
    ['a config uses the test helpers', 'packages/client/v.config.ts', "import { c } from '@godwit/testkit/browser';"],
    ['a contract uses vitest', 'packages/core/src/testing/x.ts', "import { test } from 'vitest';"],
    ['a core test uses vitest', 'packages/core/src/event/id.test.ts', "import { test } from 'vitest';"],
  ])('%s: passed over', (_, path, line) => {
    expect(wrongDirections(tree({ ...manifests, [path]: line }))).toEqual([]);
  });

  test('a circle is found, and named', () => {
    const files = {
      'a/src/x.ts': "import './y.ts';",
      'a/src/y.ts': "import './z.ts';",
      'a/src/z.ts': "import './x.ts';",
    };
    expect(cycles(tree(files))).toEqual(['a cycle: a/src/x.ts → a/src/y.ts → a/src/z.ts → a/src/x.ts']);
    expect(cycles(tree({ ...files, 'a/src/z.ts': '' }))).toEqual([]);
    expect(cycles(tree({ ...files, 'a/src/z.ts': "import type { X } from './x.ts';" }))).toHaveLength(1);
    expect(cycles(tree({ ...files, 'a/src/z.ts': "import type { X } from './w.ts';" }))).toEqual([]);
  });
});

describe('contracts', () => {
  const adapter = { 'packages/client/src/store/idb.ts': 'return { state, record } satisfies Store;' };
  const runs = "import { idbStore } from './idb.ts';\nstoreContract('IndexedDB', () => idbStore());";

  test('an adapter whose contract no test runs is found', () => {
    expect(adapters(tree(adapter))).toHaveLength(1);
    expect(untestedAdapters(tree(adapter))).toHaveLength(1);
    expect(untestedAdapters(tree({ ...adapter, 'packages/client/src/store/idb.test.ts': runs }))).toEqual([]);
  });

  test.each([
    'export function openStore(): Store {',
    'export async function openStore({ name }: Options): Promise<Store> {',
    'export function openStore(\n  name: string,\n  world: World,\n): Store {',
  ])('an adapter that does not say that it is one is found by what it answers: %s', (code) => {
    expect(adapters(tree({ 'packages/client/src/store.ts': code }))).toEqual([
      { path: 'packages/client/src/store.ts', port: 'Store' },
    ]);
  });

  test('whoever only takes a port is none', () => {
    const code = 'export function read(store: Store): number {\n  return 1;\n}\n/** satisfies Store */';
    expect(adapters(tree({ 'packages/client/src/read.ts': code }))).toEqual([]);
  });

  test('a test that runs the contract on something else does not count', () => {
    const elsewhere = { 'packages/core/src/memory/store.test.ts': runs, 'packages/core/src/memory/idb.ts': '' };
    expect(untestedAdapters(tree({ ...adapter, ...elsewhere }))).toHaveLength(1);
  });
});

describe('files', () => {
  const long = 'const x = 1;\n'.repeat(401);

  test('a long file is found, unless it says why', () => {
    expect(longFiles(tree({ 'a/src/x.ts': long }))).toHaveLength(1);
    expect(longFiles(tree({ 'a/src/x.ts': `// The table.\n// long: one table, not two ideas\n${long}` }))).toEqual([]);
    expect(longFiles(tree({ 'a/src/x.ts': 'const x = 1;\n'.repeat(400) }))).toEqual([]);
  });

  test.each(['function f() {}', 'const x = 1;', 'interface I {}', 'async function* g() {}', 'abstract class C {}'])(
    'an undocumented `export %s` is found',
    (code) => {
      expect(undocumentedNames(tree({ 'a/src/x.ts': `\nexport ${code}` }))).toHaveLength(1);
      expect(undocumentedNames(tree({ 'a/src/x.ts': `// Says something.\nexport ${code}` }))).toHaveLength(1);
      expect(undocumentedNames(tree({ 'a/src/x.ts': `/** Says something. */\nexport ${code}` }))).toEqual([]);
    },
  );

  test('an overload is documented by its first signature', () => {
    const text = '/** Adds. */\nexport function add(a: 1): 1;\nexport function add(a: 2): 2;';
    expect(undocumentedNames(tree({ 'a/src/x.ts': text }))).toEqual([]);
  });

  test.each(['only', 'skip', 'todo', 'fixme'])('a test marked %s is found', (word) => {
    expect(leftOutTests(tree({ 'a/x.test.ts': `test.${word}('x', () => {});` }))).toHaveLength(1);
    expect(leftOutTests(tree({ 'e2e/tests/x.spec.ts': `test.describe.${word}('x', () => {});` }))).toHaveLength(1);
    expect(leftOutTests(tree({ 'a/x.test.ts': `list.${word}(1); test('x', () => {});` }))).toEqual([]);
  });
});

describe('the repository', () => {
  test('a stranger at the top level is found', () => {
    expect(strangersAtTop(['packages', '.ci', 'README.md', 'scripts'])).toEqual([
      'scripts does not belong at the top level',
    ]);
  });

  test('an address in the lockfile is found, a workspace’s link is not', () => {
    expect(lockedAddresses('"resolved": "https://registry.example/x.tgz"')).toHaveLength(1);
    expect(lockedAddresses('"resolved": "packages/core"')).toEqual([]);
  });

  test.each(['npm run strat', 'npm strat', 'npm ci && npm run strat -- --port 1', 'npm relay'])(
    'a document that says `%s` is found out',
    (command) => {
      expect(unknownCommands(`\`\`\`sh\n${command}\n\`\`\`\n`, { start: '', relay: '' })).toHaveLength(1);
    },
  );

  test('commands that exist are passed over', () => {
    const text = '```sh\nnpm ci && npm start\nnpm run relay -- --port 1\n```\n';
    expect(unknownCommands(text, { start: '', relay: '' })).toEqual([]);
  });

  test('a continuous integration that does something else than the README says is found', () => {
    const readme = '```sh\nnpm ci && npm test   # everything\n```\n';
    expect(testCommands(readme)).toEqual(['npm ci && npm test']);
    expect(ciDiffers(readme, 'npm ci && npm test && npm run test:full')).toEqual([]);
    expect(ciDiffers(readme, 'npm install && npm test && npm run test:full')).toHaveLength(1);
    expect(ciDiffers(readme, 'npm ci && npm test')).toHaveLength(1);
    expect(ciDiffers('nothing', 'npm ci && npm test && npm run test:full')).toHaveLength(1);
  });

  test('a tsconfig that no typecheck reads is found', () => {
    const files = { 'packages/a/tsconfig.json': '', 'packages/a/tsconfig.node.json': '' };
    const one = '{ "scripts": { "typecheck": "tsc" } }';
    expect(uncheckedConfigs(tree({ ...files, 'packages/a/package.json': one }))).toHaveLength(1);
    const both = '{ "scripts": { "typecheck": "tsc -p tsconfig.json && tsc -p tsconfig.node.json" } }';
    expect(uncheckedConfigs(tree({ ...files, 'packages/a/package.json': both }))).toEqual([]);
  });

  test('a published package without a README or the licence is found, and a private one is not', () => {
    const files = { LICENSE: 'MIT', 'packages/a/package.json': '{}', 'packages/b/package.json': '{ "private": true }' };
    expect(unshippable(tree(files))).toHaveLength(2);
    expect(unshippable(tree({ ...files, 'packages/a/README.md': '#', 'packages/a/LICENSE': 'GPL' }))).toHaveLength(1);
    expect(unshippable(tree({ ...files, 'packages/a/README.md': '#', 'packages/a/LICENSE': 'MIT' }))).toEqual([]);
  });
});
