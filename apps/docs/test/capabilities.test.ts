// The list of capabilities is whole, and every test that it names exists.
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

/** The list that Godwit was asked to fulfil has this many rows. */
const rowsCount = 112;
const root = new URL('../../../', import.meta.url);

interface Row {
  readonly number: number;
  readonly api: string;
  readonly test: string;
}

/** The rows of the tables in a document. */
function rowsOf(markdown: string): readonly Row[] {
  return markdown.split('\n').flatMap((line) => {
    // A bar within a cell is escaped.
    const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
    const number = Number(cells[1]);
    return Number.isInteger(number) && number > 0 ? [{ number, api: cells[4] ?? '', test: cells[5] ?? '' }] : [];
  });
}

/** What is wrong with a row; nothing if it is honest. */
function wrongWith({ number, api, test }: Row): readonly string[] {
  if (api === '' || test === '') return [`row ${number} has no API or no test`];
  return test.split('<br>').flatMap((each) => wrongTest(number, each.trim()));
}

function wrongTest(number: number, test: string): readonly string[] {
  const [, file = '', title = ''] = /^`([^`]+)`: (.+)$/.exec(test) ?? [];
  const url = new URL(file, root);
  if (file === '' || !existsSync(url)) return [`row ${number} names the file "${file}", which does not exist`];
  const source = readFileSync(url, 'utf8');
  // Of one title for several cases, what stands behind `test.each`, or the template.
  return ["test('", 'test("', 'test(`', ")('"].some((begin) => source.includes(`${begin}${title}${begin.at(-1)}`))
    ? []
    : [`row ${number} names the test "${title}", which ${file} does not have`];
}

const document = readFileSync(new URL('apps/docs/capabilities.md', root), 'utf8');
const rows = rowsOf(document);

test('every row is there, once, in order', () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: rowsCount }, (_, index) => index + 1));
});

test('every row names an API and a test that exists', () => {
  expect(rows.flatMap(wrongWith)).toEqual([]);
});

test('the README of the core leads here', () => {
  expect(readFileSync(new URL('packages/core/README.md', root), 'utf8')).toContain('apps/docs/capabilities.md');
});

describe('the check sees', () => {
  const good = '| 1 | a | b | `on` | `packages/core/src/dispatcher/dispatcher.test.ts`: a filter may subscribe |';

  test.each([
    [
      'a test that does not exist',
      good.replace('may', 'may not'),
      'which packages/core/src/dispatcher/dispatcher.test.ts does not have',
    ],
    ['a file that does not exist', good.replace('dispatcher.test.ts', 'nothing.test.ts'), 'which does not exist'],
    ['a row without a test', '| 1 | a | b | `on` | |', 'has no API or no test'],
    ['a row that promises a test', '| 1 | a | b | `on` | later |', 'which does not exist'],
  ])('%s', (_, line, wrong) => {
    expect(rowsOf(line).flatMap(wrongWith)).toEqual([expect.stringContaining(wrong)]);
    expect(rowsOf(good).flatMap(wrongWith)).toEqual([]);
  });
});
