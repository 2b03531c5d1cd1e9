// The mistakes that the types prevent, each a line that must not compile. `tsc` checks them; nothing here runs.
import { expectTypeOf, test } from 'vitest';
import { defineEvent, defineEvents } from '../event/define.ts';
import { payload } from '../event/schema.ts';
import { createRaiser } from './raiser.ts';
import type { Runtime } from './runtime.ts';

const events = defineEvents({
  'todo.added': payload<{ readonly title: string }>(),
  'todo.done': payload<{ readonly id: string }>(),
  'user.left': payload<{ readonly user: string }>(),
  tick: payload<undefined>(),
});
const Other = defineEvent('todo.added', { schema: payload<{ readonly other: number }>() });

test('types: names complete, and each mistake is told where it is', () => {
  const mistakes = (runtime: Runtime<typeof events>): void => {
    void runtime.publish('todo.added', { title: 'Fly' }, { channel: 'board' });
    void runtime.publish(events['todo.added'], { title: 'Fly' });
    void runtime.publish('tick');
    // @ts-expect-error 'todo.added' needs a title
    void runtime.publish('todo.added', {});
    // @ts-expect-error the title is called title
    void runtime.publish('todo.added', { titel: 'Fly' });
    // @ts-expect-error the title is text
    void runtime.publish('todo.added', { title: 7 });
    // @ts-expect-error 'todo.added' needs a payload
    void runtime.publish('todo.added');
    // @ts-expect-error there is no such event
    void runtime.publish('todo.lost', { title: 'Fly' });
    // @ts-expect-error a definition of the same name with another payload is another event
    void runtime.publish(Other, { other: 1 });

    // @ts-expect-error a name that is not defined would never be heard
    runtime.on('todo.addde', () => undefined);
    runtime.on('todo.added', ({ data }) => expectTypeOf(data).toEqualTypeOf<{ readonly title: string }>());
    runtime.on(events['todo.done'], ({ data }) => expectTypeOf(data).toEqualTypeOf<{ readonly id: string }>());
    runtime.on('todo.*', ({ data }) =>
      expectTypeOf(data).toEqualTypeOf<{ readonly title: string } | { readonly id: string }>(),
    );
    runtime.on('**', (event) => {
      if (event.type === 'user.left') expectTypeOf(event.data).toEqualTypeOf<{ readonly user: string }>();
    });
  };
  expectTypeOf(mistakes).toBeFunction();
});

test('types of durable handlers: names complete, and each mistake is told where it is', () => {
  const mistakes = (runtime: Runtime<typeof events>): void => {
    runtime.handle('todo.added', 'index', ({ data }) => expectTypeOf(data).toEqualTypeOf<{ readonly title: string }>());
    runtime.handle(events['todo.done'], 'count', ({ data }, { publish }) => publish('todo.added', { title: data.id }));
    runtime.handle('todo.*', 'audit', ({ data }) => void data, { key: ({ type }) => type });
    // @ts-expect-error a name that is not defined would never be handled
    runtime.handle('todo.addde', 'index', () => undefined);
    // @ts-expect-error a handler needs a name: it is what is stored
    runtime.handle('todo.added', () => undefined);
    // @ts-expect-error the title is called title
    runtime.handle('todo.added', 'index', ({ data }) => data.titel);
    // @ts-expect-error a key is text or null
    runtime.handle('todo.added', 'index', () => undefined, { key: () => 7 });
    // @ts-expect-error 'todo.added' has no id to be keyed by
    runtime.handle('todo.added', 'index', () => undefined, { key: ({ data }) => data.id });
    // @ts-expect-error it begins at 'now' or at the 'earliest'
    runtime.handle('todo.added', 'index', () => undefined, { from: 'latest' });
    // @ts-expect-error 'todo.done' needs an id
    runtime.handle('todo.added', 'index', (_, { publish }) => publish('todo.done', {}));
    // @ts-expect-error there is no such state
    void runtime.tasks.list({ states: ['done'] });
    // @ts-expect-error what is to be given up must be said
    void runtime.tasks.discard();
  };
  expectTypeOf(mistakes).toBeFunction();
});

test('types: what may be left out may be undefined as well', () => {
  const nothing = undefined;
  const calls = (runtime: Runtime<typeof events>): void => {
    const heard = { order: nothing, channel: nothing, onGap: nothing, signal: nothing };
    void runtime.publish('tick', nothing, { channel: nothing, durable: nothing });
    runtime.on('tick', () => undefined, heard);
    void runtime.events('tick', { ...heard, after: nothing, live: nothing });
    runtime.handle('tick', 'index', () => undefined, {
      maxErrors: nothing,
      backoff: nothing,
      key: nothing,
      from: nothing,
    });
    runtime.status.subscribe(() => undefined, { signal: nothing });
    void runtime.flush({ signal: nothing });
    void runtime.tasks.list({ states: ['dead'] }, { after: nothing, limit: nothing });
    void runtime.tasks.shutdown({ timeoutMs: nothing });
    createRaiser(events, { entity: nothing, eventsMax: nothing });
  };
  expectTypeOf(calls).toBeFunction();
});
