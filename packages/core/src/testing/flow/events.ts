// What is published where the whole flow is tested.
import { defineEvents, type EventDefinition } from '../../event/define.ts';
import { payload, type Schema } from '../../event/schema.ts';

/** A validator that trims a title, so that input and output differ. */
const todo: Schema<{ readonly title: string }, { readonly title: string }> = {
  '~standard': {
    version: 1,
    vendor: 'flow',
    validate(value) {
      const title: unknown = typeof value === 'object' && value !== null && 'title' in value ? value.title : undefined;
      if (typeof title !== 'string') return { issues: [{ message: 'a title is needed', path: ['title'] }] };
      return { value: { title: title.trim() } };
    },
  },
};

/** The events of the flow contract. */
// The annotation is what `isolatedDeclarations` asks of an exported constant.
export const flowEvents: FlowEvents = defineEvents({
  'todo.added': todo,
  'todo.done': payload<{ readonly n: number }>(),
});

/** Their types. */
export type FlowEvents = {
  readonly 'todo.added': EventDefinition<'todo.added', { readonly title: string }, { readonly title: string }>;
  readonly 'todo.done': EventDefinition<'todo.done', { readonly n: number }, { readonly n: number }>;
};
