// What every file must have, and must not: a bounded length, a comment on each exported name, no test that is left out.
import { isSource, isTest, type Tree } from './tree.ts';

/** Above this many lines a file holds more than one idea, unless it says why beside it (`long:` in its first lines). */
const linesMax = 400;
/** Within how many first lines the reason stands. */
const reasonLines = 5;

/** Source files that are too long and give no reason. */
export function longFiles(tree: Tree): readonly string[] {
  return [...tree].flatMap(([path, text]) => {
    if (!isSource(path)) return [];
    const lines = text.trimEnd().split('\n');
    if (lines.length <= linesMax) return [];
    if (lines.slice(0, reasonLines).some((line) => /^\s*(\/\/|\*|\/\*\*?)\s*.*\blong: \S/.test(line))) return [];
    return [`${path} has ${lines.length} lines; split it, or say why in its first lines: // long: …`];
  });
}

/** Exported names without a TSDoc comment. */
export function undocumentedNames(tree: Tree): readonly string[] {
  return [...tree].flatMap(([path, text]) =>
    isSource(path) && path.includes('/src/') ? undocumented(path, text) : [],
  );
}

const declaration =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|const|let|class|interface|type|enum|namespace) ([\w$]+)/;

function undocumented(path: string, text: string): readonly string[] {
  const lines = text.split('\n');
  const documented = new Set<string>();
  return lines.flatMap((line, index) => {
    const name = declaration.exec(line)?.[1];
    if (name === undefined) return [];
    let above = index - 1;
    // A plain comment may stand between the two, for who reads the source only.
    while (lines[above]?.startsWith('//') === true) above -= 1;
    // An overload's comment stands on its first signature.
    if (lines[above]?.trimEnd().endsWith('*/') === true) documented.add(name);
    return documented.has(name) ? [] : [`${path}:${index + 1} exports ${name} without a TSDoc comment`];
  });
}

const leftOut = /\b(?:test|it|describe|suite|bench)(?:\.\w+)*\.(?:only|skip|todo|fixme)\b/;

/** Tests that are left out, or that leave all others out. */
export function leftOutTests(tree: Tree): readonly string[] {
  return [...tree].flatMap(([path, text]) => {
    if (!path.endsWith('.ts') || !isTest(path)) return [];
    return text.split('\n').flatMap((line, index) => {
      const found = leftOut.exec(line)?.[0];
      return found === undefined ? [] : [`${path}:${index + 1} has ${found}: a test runs, or is deleted`];
    });
  });
}
