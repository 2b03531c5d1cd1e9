// Which module imports which: read from the text, since the native compiler has no API to ask.
import { dirname, join, normalize } from 'node:path/posix';
import { isSource, type Tree } from './tree.ts';

/** One import, as written and, inside the repository, where it leads. */
export interface Import {
  readonly from: string;
  readonly specifier: string;
  /** The file that a relative specifier names. */
  readonly target: string | undefined;
  /** Erased before the code runs. */
  readonly typeOnly: boolean;
}

// `import … from 'x'`, `export … from 'x'`, `import 'x'`, and `import('x')`, which also stands in types.
const statement = /^\s*(?:import|export)\s+(type\s+)?(?:([^'";]*?)\sfrom\s+)?['"]([^'"]+)['"]/gm;
/** `{ type A, type B }`, which leaves nothing behind either. */
const onlyTypes = /^\{(?:\s*type\s+[^,}]+,?)+\s*\}$/;
const call = /\bimport\(\s*['"]([^'"]+)['"]/g;

/** Every import of one file. */
export function importsOf(from: string, text: string): readonly Import[] {
  const code = withoutComments(text);
  const found: Import[] = [];
  const add = (specifier: string, typeOnly: boolean): void => {
    const target = specifier.startsWith('.') ? normalize(join(dirname(from), specifier)) : undefined;
    found.push({ from, specifier, target, typeOnly });
  };
  for (const [, type, names, specifier] of code.matchAll(statement)) {
    add(specifier ?? '', type !== undefined || onlyTypes.test(names ?? ''));
  }
  for (const [, specifier] of code.matchAll(call)) add(specifier ?? '', false);
  return found;
}

/** Every import of the sources below `prefix`, tests left out. */
export function sourceImports(tree: Tree, prefix = ''): readonly Import[] {
  return [...tree]
    .filter(([path]) => path.startsWith(prefix) && isSource(path))
    .flatMap(([path, text]) => importsOf(path, text));
}

/** The text with its comments blanked, line breaks kept: examples in TSDoc import things too. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' ')).replace(/^\s*\/\/.*$/gm, '');
}
