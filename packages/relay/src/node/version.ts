// This release's version, from the package itself.
import { readFileSync } from 'node:fs';

/** As package.json says. The file lies two folders up, from the source and from what is built of it. */
export const version: string = readVersion();

function readVersion(): string {
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const manifest: unknown = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
      if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) return String(manifest.version);
    } catch {
      // Bundled into an application, it may lie elsewhere.
    }
  }
  return 'unknown';
}
