// The repository as it stands keeps its rules. That each check can fail is tested beside it, in planted.test.ts.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { adapters, untestedAdapters } from '../src/house/contracts.ts';
import { cycles, wrongDirections } from '../src/house/directions.ts';
import { leftOutTests, longFiles, undocumentedNames } from '../src/house/files.ts';
import {
  ciDiffers,
  lockedAddresses,
  strangersAtTop,
  uncheckedConfigs,
  unknownCommands,
  unshippable,
} from '../src/house/repository.ts';
import { readTree, root } from '../src/house/tree.ts';

const repository = readTree();

/** The scripts of one workspace; a document speaks of its own and of the root's. */
function scriptsOf(path: string): Readonly<Record<string, string>> {
  const manifest: { readonly scripts?: Readonly<Record<string, string>> } = JSON.parse(repository.get(path) ?? '{}');
  return manifest.scripts ?? {};
}

describe('imports', () => {
  test('point the way that DESIGN.md draws', () => {
    expect(wrongDirections(repository)).toEqual([]);
  });

  test('never run in a circle', () => {
    expect(cycles(repository)).toEqual([]);
  });
});

describe('adapters', () => {
  test('are found: every port has one', () => {
    const ports = new Set(adapters(repository).map(({ port }) => port));
    expect([...ports]).toEqual(expect.arrayContaining(['Store', 'Log', 'Logs', 'Link', 'Tabs', 'Telemetry', 'World']));
  });

  test('run their port’s contract', () => {
    expect(untestedAdapters(repository)).toEqual([]);
  });
});

describe('files', () => {
  test('hold one idea each: none is long without a reason', () => {
    expect(longFiles(repository)).toEqual([]);
  });

  test('document every name that they export', () => {
    expect(undocumentedNames(repository)).toEqual([]);
  });

  test('leave no test out', () => {
    expect(leftOutTests(repository)).toEqual([]);
  });
});

describe('the repository', () => {
  test('has at its top level what belongs there', () => {
    expect(strangersAtTop(readdirSync(root))).toEqual([]);
  });

  test('locks versions, and no addresses', () => {
    expect(lockedAddresses(readFileSync(join(root, 'package-lock.json'), 'utf8'))).toEqual([]);
  });

  test('answers every npm command in its documents', () => {
    const documents = [...repository].filter(([path]) => path.endsWith('.md'));
    const unknown = documents.flatMap(([path, text]) =>
      unknownCommands(text, { ...scriptsOf('package.json'), ...scriptsOf(`${dirname(path)}/package.json`) }).map(
        (said) => `${path}: ${said}`,
      ),
    );
    expect(unknown).toEqual([]);
  });

  test('runs in continuous integration what its README says', () => {
    const readme = repository.get('README.md') ?? '```sh\nnpm ci && npm test\n```\n';
    expect(ciDiffers(readme, readFileSync(join(root, '.ci/run'), 'utf8'))).toEqual([]);
  });

  test('typechecks with every tsconfig that it has', () => {
    expect(uncheckedConfigs(repository)).toEqual([]);
  });

  test('each package that is published has a README and the licence', () => {
    expect(unshippable(repository)).toEqual([]);
  });
});
