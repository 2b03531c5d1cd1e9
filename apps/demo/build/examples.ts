// GitHub's own example payloads, picked and trimmed while the demo is built: megabytes become some dozen kilobytes.
import { createRequire } from 'node:module';
import * as v from 'valibot';
import type { Plugin } from 'vite';
import { families } from '../src/events/github.ts';
import type { Example } from '../src/events/example.ts';

/** What the demo imports. */
const moduleName = 'virtual:github-examples';
/** Rollup's convention: other plugins leave ids with a leading NUL alone. */
const resolved = `\0${moduleName}`;

/** Provides `virtual:github-examples`. */
export function githubExamples(): Plugin {
  return {
    name: 'github-examples',
    resolveId: (id) => (id === moduleName ? resolved : null),
    load: (id) => (id === resolved ? `export default ${JSON.stringify(pickExamples())};` : null),
  };
}

const webhooks = v.array(v.object({ name: v.string(), examples: v.array(v.looseObject({})) }));
const envelope = v.object({ action: v.optional(v.string()), repository: v.object({ full_name: v.string() }) });

/** Every example of a family that the board knows, without what the board does not show, and without repetitions. */
export function pickExamples(): readonly Example[] {
  const all = v.parse(webhooks, createRequire(import.meta.url)('@octokit/webhooks-examples'));
  const picked = new Map<string, Example>();
  for (const { name, actions, keep } of families) {
    for (const payload of all.find((webhook) => webhook.name === name)?.examples ?? []) {
      const { action, repository } = v.parse(envelope, payload);
      if (actions.length > 0 && !actions.some((known) => known === action)) continue;
      const example = {
        type: actions.length === 0 ? `github.${name}` : `github.${name}.${action}`,
        source: `https://github.com/${repository.full_name}`,
        data: v.parse(keep, payload),
      };
      picked.set(JSON.stringify(example), example);
    }
  }
  return [...picked.values()];
}
