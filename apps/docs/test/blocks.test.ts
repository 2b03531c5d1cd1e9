// Every block of TypeScript in the documents compiles, as strictly as our own code: what they import is there, and takes what it is given.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { complaints, patience, type Setting } from './compile.ts';

const root = new URL('../../../', import.meta.url).pathname;

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

/** Where a page's framework makes a runtime. */
const todos = `
import { createRuntime, type RuntimeOptions } from '@godwit/client';
import { defineEvents, payload, type Runtime } from '@godwit/core';
const events = defineEvents({ 'todo.added': payload<{ readonly title: string }>() });
type TodosOptions = Omit<RuntimeOptions<typeof events>, 'events' | 'signal'>;`;

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
      around: `${todos}
import { useEffect, useState, useSyncExternalStore } from 'react';
declare const status: Runtime<typeof events>['status'];`,
    },
    {
      line: 'shallowRef',
      setting: page,
      around: `${todos}
declare function onScopeDispose(dispose: () => void): void;
declare function shallowRef<Value>(): { value: Value | undefined };`,
    },
    {
      line: 'onDestroy',
      setting: page,
      around: `${todos}
declare const options: TodosOptions;
declare function onDestroy(destroy: () => void): void;
declare function readable<Value>(
  value: Value,
  start: (set: (value: Value) => void) => () => void,
): { subscribe(run: (value: Value) => void): () => void };`,
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
