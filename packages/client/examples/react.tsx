// In React: a runtime that lives as long as its component, also where StrictMode mounts that twice, and its status on the page.
import { createRuntime, type RuntimeOptions } from '@godwit/client';
import { defineEvents, payload, type Runtime } from '@godwit/core';
import { useEffect, useState, useSyncExternalStore, type ReactNode } from 'react';

const events = defineEvents({ 'todo.added': payload<{ readonly title: string }>() });

/** Todos, as the application has them: made once, outside of any component, so that an effect need not run again. */
export type TodosOptions = Omit<RuntimeOptions<typeof events>, 'events' | 'signal'>;

/** The runtime of these options, once it is open: never one that was closed, also while React changes to other options. */
export function useTodos(options: TodosOptions): Runtime<typeof events> | undefined {
  const [opened, setOpened] = useState<{ readonly options: TodosOptions; readonly runtime: Runtime<typeof events> }>();
  useEffect(() => {
    const life = new AbortController();
    createRuntime({ ...options, events, signal: life.signal }).then(
      (runtime) => setOpened({ options, runtime }),
      (error: unknown) => {
        if (!life.signal.aborted) reportError(error);
      },
    );
    return () => {
      setOpened(undefined);
      life.abort(); // closes it, or gives its start up
    };
  }, [options]);
  return opened?.options === options ? opened.runtime : undefined;
}

/** What waits for the relay. A snapshot never changes, so no part of a page shows another state than the rest. */
export function Standing({ runtime: { status } }: { readonly runtime: Runtime<typeof events> }): ReactNode {
  const { connection, pending, counts } = useSyncExternalStore(status.subscribe, status.get, status.get);
  return (
    <output>
      {connection}: {counts.published} published, {pending} to send
    </output>
  );
}

/** The page. */
export function Todos({ options }: { readonly options: TodosOptions }): ReactNode {
  const runtime = useTodos(options);
  if (runtime === undefined) return 'opening';
  return (
    <>
      <button onClick={() => void runtime.publish('todo.added', { title: 'Fly' })}>Fly</button>
      <Standing runtime={runtime} />
    </>
  );
}
