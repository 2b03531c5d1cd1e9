// The client in a real React: what the README's example does, and what no part of a page must ever see.
import {
  createElement,
  startTransition,
  StrictMode,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
  type ReactNode,
} from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Todos, useTodos, type TodosOptions } from '../../examples/react.tsx';
import { mortalWorkers, freshName, open } from '../../src/main/test/tab.ts';

const waits = { timeout: 20_000 };

test('the example: StrictMode mounts it twice, one runtime stays, its status is shown, and nothing is left when it goes', async () => {
  const { alive, worker } = mortalWorkers();
  let starts = 0;
  const options: TodosOptions = {
    name: freshName(),
    get worker() {
      starts += 1;
      return worker;
    },
  };
  const { root, place } = rootOf();
  root.render(createElement(StrictMode, null, createElement(Todos, { options })));
  await vi.waitFor(() => expect(place.textContent).toContain('none: 0 published, 0 to send'), waits);
  expect(starts).toBe(2);
  await vi.waitFor(() => expect(alive.size).toBe(1), waits);

  for (let clicks = 0; clicks < 3; clicks += 1) place.querySelector('button')?.click();
  await vi.waitFor(() => expect(place.textContent).toContain('3 published'), waits);

  root.unmount();
  await vi.waitFor(() => expect(alive.size).toBe(0), waits);
  await vi.waitFor(async () => expect(await locksOf(options.name)).toEqual([]), waits);
});

test('the example: when somebody else signs in, no part of the page meets the runtime of before', async () => {
  const name = freshName();
  const failed = vi.fn<(error: unknown) => void>();
  const heard = vi.fn<(user: string) => void>();
  const { root, place } = rootOf(failed);
  for (const user of ['alice', 'bob', 'alice']) {
    root.render(createElement(StrictMode, null, createElement(Signed, { options: { name, user }, heard })));
    await vi.waitFor(() => expect(place.textContent).toBe(user), waits);
    heard.mockClear();
    place.querySelector('button')?.click();
    await vi.waitFor(() => expect(heard).toHaveBeenCalledWith(user), waits);
    expect(heard).toHaveBeenCalledOnce();
  }
  expect(failed).not.toHaveBeenCalled();
});

test('every part of a page shows the same status, also where it changes while React renders; by reading alone they would not', async () => {
  // Without the hook a page tears on this stage: else the stage would show nothing.
  expect((await shown('by reading alone')).some(isTorn)).toBe(true);
  const commits = await shown('by useSyncExternalStore');
  expect(commits.length).toBeGreaterThan(1);
  expect(commits.filter(isTorn)).toEqual([]);
  expect(new Set(commits.at(-1))).toEqual(new Set([`${parts}`]));
});

test('a status that has not changed is the same object, as React asks for', async () => {
  const alice = await open({ name: freshName() });
  const { get, subscribe } = alice.status;
  const before = get();
  expect(get()).toBe(before);
  const heard = vi.fn<() => void>();
  subscribe(heard);
  await alice.publish('note.added', { text: 'fly' });
  await vi.waitFor(() => expect(heard).toHaveBeenCalled(), waits);
  expect(get()).not.toBe(before);
  expect(before.counts.published).toBe(0);
});

interface SignedProps {
  readonly options: TodosOptions;
  readonly heard: (user: string) => void;
}

/** A page of whoever has signed in: another user, another part. */
function Signed({ options, heard }: SignedProps): ReactNode {
  const runtime = useTodos(options);
  return runtime === undefined ? 'opening' : createElement(Mine, { key: options.user, options, heard, runtime });
}

/** Shows the user once it listens, and publishes when it is clicked. */
function Mine({ options, heard, runtime }: SignedProps & { readonly runtime: Opened }): ReactNode {
  const [hears, setHears] = useState('');
  const { user = '' } = options;
  useEffect(() => {
    setHears(user);
    return runtime.on('todo.added', () => heard(user));
  }, [runtime, user, heard]);
  useEffect(() => runtime.handle('todo.added', 'count', () => undefined), [runtime]);
  return createElement('button', { onClick: () => void runtime.publish('todo.added', { title: user }) }, hears);
}

type Opened = NonNullable<ReturnType<typeof useTodos>>;

/** How many parts the page has. */
const parts = 8;
/** Longer than React renders without letting others run, in milliseconds. */
const renderMs = 8;

/**
 * Mounts a page of slow parts in a transition, and changes the status behind each part's render, when React lets go of the
 * thread. Answers what the parts showed at each commit, until all show the last.
 */
async function shown(how: 'by reading alone' | 'by useSyncExternalStore'): Promise<readonly (readonly string[])[]> {
  const { status, publish } = await open({ name: freshName() });
  const { root, place } = rootOf();
  const commits: (readonly string[])[] = [];
  const changed = new Set<number>();
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  // What is refused is counted at once.
  port2.addEventListener('message', () => void publish('note.added', { text: 7n as never }).catch(() => undefined));
  port2.start();

  const useRefused = (): number =>
    how === 'by reading alone'
      ? status.get().counts.refused
      : useSyncExternalStore(status.subscribe, () => status.get().counts.refused);

  function Part({ index }: { readonly index: number }) {
    const refused = useRefused();
    const rendered = performance.now();
    if (!changed.has(index)) {
      changed.add(index);
      port1.postMessage('change');
      while (performance.now() - rendered < renderMs);
    }
    return createElement('li', null, refused);
  }

  function Page() {
    const list = useRef<HTMLUListElement>(null);
    const look = (): void => {
      commits.push([...(list.current?.children ?? [])].map(({ textContent }) => textContent ?? ''));
    };
    useLayoutEffect(look);
    const items = Array.from({ length: parts }, (_, index) => createElement(Part, { key: index, index }));
    return createElement('ul', { ref: list }, items);
  }

  const watch = new MutationObserver(() => {
    commits.push([...place.querySelectorAll('li')].map(({ textContent }) => textContent));
  });
  watch.observe(place, { subtree: true, childList: true, characterData: true });
  onTestFinished(() => watch.disconnect());
  startTransition(() => root.render(createElement(Page)));
  await vi.waitFor(() => expect(status.get().counts.refused).toBe(parts), waits);
  await vi.waitFor(() => {
    expect(commits.at(-1)).toHaveLength(parts);
    if (how === 'by useSyncExternalStore') expect(new Set(commits.at(-1))).toEqual(new Set([`${parts}`]));
  }, waits);
  return commits;
}

function isTorn(commit: readonly string[]): boolean {
  return new Set(commit).size > 1;
}

function rootOf(failed?: (error: unknown) => void): { readonly root: Root; readonly place: HTMLElement } {
  const place = document.createElement('main');
  document.body.append(place);
  const root = createRoot(place, failed === undefined ? {} : { onUncaughtError: failed });
  onTestFinished(() => {
    root.unmount();
    place.remove();
  });
  return { root, place };
}

async function locksOf(name: string): Promise<readonly string[]> {
  const { held = [], pending = [] } = await navigator.locks.query();
  return [...held, ...pending].flatMap((lock) => (lock.name?.includes(name) === true ? [lock.name] : []));
}
