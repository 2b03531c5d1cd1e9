// Every link of the documents leads somewhere: to a file and a heading that are there, and on a package's page to what that page can show.
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = new URL('../../../', import.meta.url).pathname;
const documents = globSync('**/*.md', { cwd: root, exclude: (path) => /(^|\/)(node_modules|dist|\..+)$/.test(path) });
/** What a registry shows of a package, whose tarball has neither the other packages nor the repository's documents. */
const pages = documents.filter((path) => /^packages\/[^/]+\/README\.md$/.test(path));

/** The targets of a document's links. What stands in code is none. */
function linksOf(path: string): readonly string[] {
  const prose = readFileSync(join(root, path), 'utf8')
    .replaceAll(/^```[\s\S]*?^```/gm, '')
    .replaceAll(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
}

/** Whether it leads out of the documents. */
function isForeign(target: string): boolean {
  return /^(https?|mailto):/.test(target);
}

/** A document's headings as links name them. */
function headingsOf(path: string): readonly string[] {
  const text = readFileSync(path, 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '');
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function isThere(document: string, target: string): boolean {
  const [path = '', heading] = target.split('#');
  const file = path === '' ? join(root, document) : join(root, dirname(document), path);
  if (!existsSync(file)) return false;
  return heading === undefined || (statSync(file).isFile() && headingsOf(file).includes(heading));
}

test('there are documents, and a page for each package that is published', () => {
  expect(documents).toEqual(expect.arrayContaining(['README.md', 'PROTOCOL.md', 'apps/docs/capabilities.md']));
  const published = globSync('packages/*/package.json', { cwd: root }).filter(
    (path) => !readFileSync(join(root, path), 'utf8').includes('"private": true'),
  );
  expect(pages.map(dirname).toSorted()).toEqual(published.map(dirname).toSorted());
});

test.each(documents)('every link of %s leads to a file, and to a heading, that is there', (document) => {
  expect(linksOf(document).filter((target) => !isForeign(target) && !isThere(document, target))).toEqual([]);
});

test.each(pages)('%s links to nothing that its page does not have', (page) => {
  expect(linksOf(page).filter((target) => !isForeign(target) && !target.startsWith('#'))).toEqual([]);
});

test('a link to a heading that is not there is found, and what stands in code is none', () => {
  expect(isThere('packages/relay/deploy/README.md', '../README.md#copies-of-the-file')).toBe(true);
  expect(isThere('packages/relay/deploy/README.md', '../README.md#copies')).toBe(false);
  expect(isThere('README.md', 'packages/nowhere')).toBe(false);
  expect(linksOf('README.md')).toContain('packages/core/README.md#simulation');
});
