// React on a server: the same import is a runtime in memory, and the page is text.
import { readFile } from 'node:fs/promises';
import { createRuntime } from '@godwit/client';
import { defineEvents, payload } from '@godwit/core';
import { createElement } from 'react';
import { renderToString } from 'react-dom/server';
import { expect, test } from 'vitest';
import { Standing, Todos } from '../../examples/react.tsx';

const events = defineEvents({ 'todo.added': payload<{ readonly title: string }>() });

test('a server renders the example: before a runtime is open, and how one stands', async () => {
  expect(renderToString(createElement(Todos, { options: { name: 'todos' } }))).toBe('opening');
  await using runtime = await createRuntime({ name: 'todos', events });
  await runtime.publish('todo.added', { title: 'Fly' });
  const text = renderToString(createElement(Standing, { runtime })).replaceAll('<!-- -->', '');
  expect(text).toBe('<output>none: 1 published, 0 to send</output>');
});

test('the README shows the example as it is', async () => {
  const [readme, example] = await Promise.all(
    ['../../../../README.md', '../../examples/react.tsx'].map((path) =>
      readFile(new URL(path, import.meta.url), 'utf8'),
    ),
  );
  const [, hook = ''] = /(export function useTodos[\s\S]*?\n\}\n)/.exec(example ?? '') ?? [];
  const [, subscribed = ''] = /(useSyncExternalStore\(.*\))/.exec(example ?? '') ?? [];
  expect(hook).not.toBe('');
  expect(readme).toContain(hook.replace('export ', ''));
  expect(subscribed).not.toBe('');
  expect(readme).toContain(subscribed);
});
