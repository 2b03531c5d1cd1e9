// The mistakes that the types prevent, each a line that must not compile. `tsc` checks them; nothing here runs.
import { expectTypeOf, test } from 'vitest';
import { defineEvent, defineEvents } from '../event/define.ts';
import { payload } from '../event/schema.ts';
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
