// Every block of TypeScript in the documents compiles, as strictly as our own code: what they import is there, and takes what it is given.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';

const root = new URL('../../../', import.meta.url).pathname;

interface Setting {
  /** What the blocks' platform knows. */
  readonly lib: readonly string[];
  readonly types: readonly string[];
}

const page: Setting = { lib: ['es2024', 'esnext.disposable', 'dom'], types: ['vite/client'] };
const server: Setting = { lib: ['es2024', 'esnext.disposable', 'dom'], types: ['node'] };
const node: Setting = { lib: ['es2024', 'esnext.disposable'], types: ['node'] };
const worker: Setting = { lib: ['es2024', 'esnext.disposable'], types: ['@cloudflare/workers-types'] };

/** The runtime that the root's README speaks of, once its first block has made it. */
const readmeRuntime = `
import type { Runtime } from '@godwit/core';
import { defineEvents, payload } from '@godwit/core';
const events = defineEvents({
  'todo.added': payload<{ title: string }>(),
  'pointer.moved': payload<{ x: number; y: number }>(),
  'order.placed': payload<{ id: string; customer: string }>(),
  'receipt.sent': payload<{ order: string }>(),
});`;
const declaredRuntime = `${readmeRuntime}\ndeclare const runtime: Runtime<typeof events>;`;

interface Block {
  /** A line of it: which one it is. */
  readonly line: string;
  readonly setting: Setting;
  /** What stands around it in an application. */
  readonly around?: string;
}

/** The blocks of each document, in their order. */
const documents: Readonly<Record<string, readonly Block[]>> = {
  'README.md': [
    { line: "name: 'todos',", setting: page },
    {
      line: "name: 'todos', // one log per name and user",
      setting: page,
      around: `${readmeRuntime}
import { createRuntime } from '@godwit/client';
declare function show(data: { readonly title: string }): void;
declare function takeBack(event: { readonly id: string }): void;
declare function reload(missed: number | null): void;
declare function render(status: ReturnType<typeof runtime.status.get>): void;`,
    },
    { line: 'import.meta.hot', setting: page, around: declaredRuntime },
    {
      line: 'function useTodos',
      setting: page,
      around: `
import { createRuntime, type RuntimeOptions } from '@godwit/client';
import { defineEvents, payload, type Runtime } from '@godwit/core';
import { useEffect, useState, useSyncExternalStore } from 'react';
const events = defineEvents({ 'todo.added': payload<{ readonly title: string }>() });
type TodosOptions = Omit<RuntimeOptions<typeof events>, 'events' | 'signal'>;
declare const status: Runtime<typeof events>['status'];`,
    },
    { line: "'send-receipt', // what is stored", setting: page, around: declaredRuntime },
    { line: "from '@godwit/client/node'; // Node 24", setting: node, around: readmeRuntime },
    { line: 'function relayTokenOf', setting: node },
    {
      line: 'const authorize: Authorize',
      setting: node,
      around: `
import { Failure } from '@godwit/core';
import type { Authorize } from '@godwit/relay';
declare function sessionOf(request: Request): Promise<{ readonly rooms: readonly string[] } | undefined>;`,
    },
  ],
  'packages/otel/README.md': [
    { line: 'const telemetry = createTelemetry();', setting: server },
    {
      line: 'await startRelay',
      setting: server,
      around: `${readmeRuntime}
import type { Telemetry } from '@godwit/core';
import { createRuntime } from '@godwit/client';
import { startRelay } from '@godwit/relay/node';
declare const telemetry: Telemetry;`,
    },
  ],
  'packages/relay/README.md': [{ line: 'await startRelay', setting: node }],
  'packages/client/README.md': [{ line: 'using heard', setting: page }],
  'packages/core/README.md': [
    {
      line: 'const shop = withStreams',
      setting: node,
      around: 'declare function save(type: string, data: unknown, signal: AbortSignal): Promise<void>;',
    },
    {
      line: 'await rehearse(',
      setting: node,
      around: `
import { defineEvents, payload } from '@godwit/core';
const events = defineEvents({ 'item.sold': payload<{ readonly count: number }>() });`,
    },
  ],
  'apps/edge/README.md': [
    {
      line: 'const relay = createWorker',
      setting: worker,
      around: 'declare global { namespace Cloudflare { interface Env { readonly SESSIONS: KVNamespace } } }',
    },
  ],
};

/** A compiler reads the sources of our packages first: two seconds on an idle machine. */
const patience = { timeout: 60_000 };

const folder = mkdtempSync(join(tmpdir(), 'godwit-blocks-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.for(Object.entries(documents))('each block of %s is known here, and what stands around it', ([path, blocks]) => {
  const written = blocksOf(path);
  expect(written.map((text, index) => text.includes(blocks[index]?.line ?? '\0'))).toEqual(blocks.map(() => true));
});

test.for(Object.entries({ 'a page': page, 'a server': server, Node: node, 'a Worker': worker }))(
  'the blocks for %s compile',
  patience,
  async ([, setting]) => {
    const modules = Object.entries(documents).flatMap(([path, blocks]) =>
      blocksOf(path).flatMap((text, index) => {
        const block = blocks[index];
        if (block === undefined || block.setting !== setting) return [];
        return [[`${path.replaceAll('/', '-')}-${index + 1}.ts`, `${block.around ?? ''}\n${text}`] as const];
      }),
    );
    expect(modules.length).toBeGreaterThan(0);
    expect(await complaints(setting, modules)).toBe('');
  },
);

test('a block that does not compile is found', patience, async () => {
  const wrong = "import { createRuntime } from '@godwit/client';\nawait createRuntime({ nam: 'todos', events: {} });\n";
  expect(await complaints(page, [['wrong.ts', wrong]])).toContain("'nam' does not exist");
});

function blocksOf(path: string): readonly string[] {
  return [...readFileSync(join(root, path), 'utf8').matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(
    ([, block = '']) => block,
  );
}

/** What the compiler says of modules, by their files' names, that stand where our own packages are installed. */
async function complaints(
  { lib, types }: Setting,
  modules: readonly (readonly [file: string, text: string])[],
): Promise<string> {
  const home = mkdtempSync(join(folder, 'of-'));
  symlinkSync(join(root, 'node_modules'), join(home, 'node_modules'));
  writeFileSync(join(home, 'package.json'), '{ "type": "module" }');
  for (const [file, text] of modules)
    writeFileSync(
      join(home, file),
      `${text}
export {};
`,
    );
  const compilerOptions = { lib, types, isolatedDeclarations: false, declaration: false };
  const config = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['*.ts'] };
  writeFileSync(join(home, 'tsconfig.json'), JSON.stringify(config));
  try {
    await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-p', '.'], { cwd: home });
    return '';
  } catch (error) {
    if (error instanceof Error && 'stdout' in error) return `${String(error.stdout)}${error.message}`;
    throw error;
  }
}
