// Compiles TypeScript of the documents, as strictly as our own code, where our own packages are installed.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = new URL('../../../', import.meta.url).pathname;

/** What a module's platform knows. */
export interface Setting {
  readonly lib: readonly string[];
  readonly types: readonly string[];
}

/** A compiler reads the sources of our packages first: two seconds on an idle machine. */
export const patience = { timeout: 60_000 };

/** What the compiler says of modules, by their files' names; nothing if they are right. */
export async function complaints(
  { lib, types }: Setting,
  modules: readonly (readonly [file: string, text: string])[],
): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), 'godwit-blocks-'));
  symlinkSync(join(root, 'node_modules'), join(home, 'node_modules'));
  writeFileSync(join(home, 'package.json'), '{ "type": "module" }');
  for (const [file, text] of modules) writeFileSync(join(home, file), `${text}\nexport {};\n`);
  const compilerOptions = { lib, types, isolatedDeclarations: false, declaration: false };
  const config = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['*.ts'] };
  writeFileSync(join(home, 'tsconfig.json'), JSON.stringify(config));
  try {
    await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), ['-p', '.'], { cwd: home });
    return '';
  } catch (error) {
    if (error instanceof Error && 'stdout' in error) return `${String(error.stdout)}${error.message}`;
    throw error;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
