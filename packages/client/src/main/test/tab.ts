// For the tests of a page: tabs that close with their test, and workers that are not what they should be.
import { defineEvents, payload, type EventDefinition, type Runtime } from '@godwit/core';
import { onTestFinished } from 'vitest';
import { createRuntime } from '../create-runtime.ts';
import type { RuntimeOptions } from '../options.ts';

type Note = { readonly text: string };
type Indexed = { readonly text: string; readonly where: string };

/** What is published in the tests of a page. */
export const events: {
  readonly 'note.added': EventDefinition<'note.added', Note, Note>;
  readonly 'note.indexed': EventDefinition<'note.indexed', Indexed, Indexed>;
} = defineEvents({
  'note.added': payload<Note>(),
  'note.indexed': payload<Indexed>(),
});

/** A name that no other test has. */
export function freshName(): string {
  return crypto.randomUUID();
}

/** Opens a tab that is closed with its test. */
export async function open(options: Omit<RuntimeOptions<typeof events>, 'events'>): Promise<Runtime<typeof events>> {
  const runtime = await createRuntime({ ...options, events });
  onTestFinished(() => runtime.close());
  return runtime;
}

/** A module worker of this source. */
export function workerOf(source: string): Worker {
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  onTestFinished(() => URL.revokeObjectURL(url));
  return new Worker(url, { type: 'module' });
}

/** The worker in a browser that has no IndexedDB. */
export function workerWithoutDatabase(): Worker {
  return workerThat('Object.defineProperty(self, "indexedDB", { value: undefined });');
}

/** The shipped worker, with something of the test's that is there first. */
export function workerThat(source: string): Worker {
  const first = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  onTestFinished(() => URL.revokeObjectURL(first));
  return workerOf(`import '${first}';\nimport '${new URL('../../worker.ts', import.meta.url).href}';`);
}

/** Workers of one test. */
interface MortalWorkers {
  readonly made: Worker[];
  /** Those that nobody has terminated. */
  readonly alive: ReadonlySet<Worker>;
  worker(): Worker;
}

/** Makes workers that the test can end, and sees ended: an earlier test's, which end when they like, are not among them. */
export function mortalWorkers(make: () => Worker = shippedWorker): MortalWorkers {
  const made: Worker[] = [];
  const alive = new Set<Worker>();
  return {
    made,
    alive,
    worker() {
      const worker = make();
      made.push(worker);
      alive.add(worker);
      const terminate = worker.terminate.bind(worker);
      worker.terminate = () => {
        alive.delete(worker);
        terminate();
      };
      return worker;
    },
  };
}

function shippedWorker(): Worker {
  return new Worker(new URL('../../worker.ts', import.meta.url), { type: 'module' });
}

/** The application's own worker of the tests. */
export function ownWorker(): Worker {
  return new Worker(new URL('../../worker/own.test-worker.ts', import.meta.url), { type: 'module' });
}
