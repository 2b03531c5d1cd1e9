// The table of options is whole: every option of `createRuntime` is in it, with its type and its default.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { complaints, patience } from './compile.ts';

const root = new URL('../../../', import.meta.url);
const document = readFileSync(new URL('packages/client/README.md', root), 'utf8');

interface Row {
  /** As `name`, or `tasks.workers`. */
  readonly name: string;
  readonly where: readonly ('Page' | 'OnNode')[];
  readonly type: string;
  /** Code, or a word. */
  readonly byDefault: string;
}

/** The table's rows. */
function rowsOf(markdown: string): readonly Row[] {
  const [, table = ''] = markdown.split('\n## Options of `createRuntime`\n');
  return [...table.matchAll(/^\| `([\w.]+)` +\| (page|Node|both) +\| `(.+?)` +\| (.+?) +\| .+\|$/gm)].map(
    ([, name = '', where, type = '', byDefault = '']) => ({
      name,
      where: where === 'both' ? ['Page', 'OnNode'] : where === 'page' ? ['Page'] : ['OnNode'],
      // A bar within a cell is escaped.
      type: type.replaceAll('\\|', '|'),
      byDefault,
    }),
  );
}

/** `Same` is its row's label where what is so is what is said; an undefined more or less is none of the table's. */
const prelude = `
import type { RuntimeOptions as PageOptions } from '@godwit/client';
import type { RuntimeOptions as NodeOptions } from '@godwit/client/node';
import { defineEvents, type Logger, type Reporter, type TaskHooks, type Telemetry } from '@godwit/core';
const events = defineEvents({});
type Page = PageOptions<typeof events>;
type OnNode = NodeOptions<typeof events>;
type Loose<Option> = Option extends readonly (infer Item)[] ? readonly Loose<Item>[]
  : 'from' extends keyof Option ? { [Name in keyof Option]: Exclude<Option[Name], undefined> }
  : Option;
type Same<Row, Is, Said> = [Is, Said] extends [Said, Is] ? Row : { of: Row; is: Is };`;

/** A module that compiles if the rows say of the options what is so. */
function moduleOf(rows: readonly Row[]): string {
  const lines = [prelude];
  for (const where of ['Page', 'OnNode'] as const) {
    const its = rows.filter((row) => row.where.includes(where));
    const names = Map.groupBy(its, ({ name }) => name.split('.')[0] ?? '');
    const check = (row: string, is: string, said: string): void => {
      const label = JSON.stringify(`${where}: ${row}`);
      lines.push(`${label} satisfies Same<${label}, ${is}, ${said}>;`);
    };
    check('every option', `keyof ${where}`, union([...names.keys()]));
    for (const [name, parts] of names) {
      const option = `NonNullable<${where}['${name}']>`;
      const deeper = parts.map((row) => row.name.split('.')[1]).filter((part) => part !== undefined);
      if (deeper.length > 0) check(`all of ${name}`, `keyof ${option}`, union(deeper));
      for (const { name: full, type, byDefault } of parts) {
        const part = full.split('.')[1];
        check(full, part === undefined ? `Loose<${option}>` : `NonNullable<${option}['${part}']>`, `Loose<${type}>`);
        check(
          `whether ${full} is required`,
          `{} extends Pick<${where}, '${name}'> ? 'optional' : 'required'`,
          byDefault === 'required' ? "'required'" : "'optional'",
        );
      }
    }
  }
  return lines.join('\n');
}

function union(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(' | ');
}

const compiled = (rows: readonly Row[]): Promise<string> =>
  complaints({ lib: ['es2024', 'esnext.disposable', 'dom'], types: ['node'] }, [['options.ts', moduleOf(rows)]]);

const rows = rowsOf(document);

test('every option is there, in a page and on Node, with its type', patience, async () => {
  expect(rows.length).toBeGreaterThan(20);
  expect(await compiled(rows)).toBe('');
});

test('an option that is not there, or is there no more, or is of another type, is found', patience, async () => {
  const without = await compiled(rows.filter(({ name }) => name !== 'persist' && name !== 'tasks.batch'));
  expect(without).toContain('Page: every option');
  expect(without).toContain('OnNode: all of tasks');
  const [first] = rows;
  if (first === undefined) throw new Error('there is no row');
  expect(await compiled([...rows, { ...first, name: 'nmae' }])).toContain("'nmae'");
  expect(await compiled(rows.map((row) => ({ ...row, type: `${row.type} | symbol` })))).toContain('Page: relay');
  expect(await compiled(rows.map((row) => ({ ...row, byDefault: 'none' })))).toContain('whether name is required');
});

/** Where a default that the table gives as code stands in the sources, and under which name. */
const told: Readonly<Record<string, readonly [file: string, name: string]>> = {
  'user, Page': ['packages/client/src/main/options.ts', 'user'],
  'channels, Page, OnNode': ['packages/client/src/options.ts', 'channels'],
  'credentials, Page': ['packages/client/src/main/options.ts', 'credentials'],
  'durability, Page': ['packages/client/src/main/options.ts', 'durability'],
  'durability, OnNode': ['packages/client/src/node/options.ts', 'durability'],
  'retention.ageMs, Page, OnNode': ['packages/core/src/runtime/trimmer.ts', 'ageMs'],
  'retention.eventsMax, Page, OnNode': ['packages/core/src/runtime/trimmer.ts', 'eventsMax'],
  'retention.bytesMax, Page, OnNode': ['packages/core/src/runtime/trimmer.ts', 'bytesMax'],
  'outbox.eventsMax, Page, OnNode': ['packages/core/src/runtime/outbox.ts', 'eventsMax'],
  'outbox.bytesMax, Page, OnNode': ['packages/core/src/runtime/outbox.ts', 'bytesMax'],
  'tasks.workers, Page, OnNode': ['packages/core/src/runtime/tasks/executor.ts', 'workersDefault'],
  'tasks.batch, Page, OnNode': ['packages/core/src/durable/limits.ts', 'claimMax'],
  'tasks.scheduler, Page, OnNode': ['packages/client/src/options.ts', 'scheduler'],
  'tasks.unhandled, Page, OnNode': ['packages/client/src/options.ts', 'unhandled'],
  'logger, Page, OnNode': ['packages/client/src/options.ts', 'logger'],
};

test('a default that is code is the one of the sources', () => {
  const code = rows.filter(({ byDefault }) => byDefault.startsWith('`'));
  expect(code.map(({ name, where }) => [name, ...where].join(', ')).toSorted()).toEqual(Object.keys(told).toSorted());
  for (const { name, where, byDefault } of code) {
    const [file = '', its = ''] = told[[name, ...where].join(', ')] ?? [];
    const source = readFileSync(new URL(file, root), 'utf8');
    const value = byDefault.slice(1, -1);
    expect(
      [`${its} = ${value}`, `${its}: ${value}`].some((text) => source.includes(text)),
      `${name} is ${value}`,
    ).toBe(true);
  }
});
