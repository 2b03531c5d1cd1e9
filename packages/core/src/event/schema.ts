// Any synchronous Standard Schema validator: the payload's types come from it, and it is asked at publish and on arrival.
import { Failure } from '../failure.ts';

/**
 * What Godwit needs of a validator: the interface that zod, valibot, arktype and others share.
 *
 * @see https://standardschema.dev (version 1)
 */
export interface Schema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a validator answers. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One complaint of a validator. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The JSON that a publisher hands in. */
export type InputOf<S> = S extends { readonly '~standard': { readonly types?: infer T } }
  ? NonNullable<T> extends { readonly input: infer Input }
    ? Input
    : unknown
  : unknown;

/** What a handler gets. */
export type OutputOf<S> = S extends { readonly '~standard': { readonly types?: infer T } }
  ? NonNullable<T> extends { readonly output: infer Output }
    ? Output
    : unknown
  : unknown;

/**
 * A payload that is typed but not checked beyond being JSON: for one's own events, where a validator is not worth its bytes.
 *
 * @example
 * ```ts
 * const TodoAdded = defineEvent('todo.added', { schema: payload<{ title: string }>() });
 * ```
 */
export function payload<Data>(): Schema<Data, Data> {
  return { '~standard': { version: 1, vendor: 'godwit', validate: (value) => ({ value: value as Data }) } };
}

/**
 * Asks the validator.
 *
 * @param what names the event, for the message
 * @throws Failure `InvalidPayload`, saying where in the payload; `InvalidDefinition` when the validator is asynchronous
 */
export function validate<Output>(schema: Schema<unknown, Output>, value: unknown, what: string): Output {
  const result = schema['~standard'].validate(value);
  // A promise of whatever house, or realm.
  if ('then' in result) {
    // Its answer comes too late to be used; without this line its rejection would be an unhandled one.
    Promise.resolve(result).catch(() => undefined);
    throw new Failure('InvalidDefinition', `the validator of "${what}" is asynchronous, and must not be`);
  }
  if (result.issues === undefined) return result.value;
  const [first, ...others] = result.issues;
  const path = pathOf(first?.path);
  const place = path && ` at \`${path}\``;
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  throw new Failure(
    'InvalidPayload',
    `the payload of "${what}" is refused${place}: ${first?.message ?? 'no reason given'}${more}`,
    {
      path,
    },
  );
}

function pathOf(parts: SchemaIssue['path'] = []): string {
  let path = '';
  for (const part of parts) {
    const key = typeof part === 'object' ? part.key : part;
    path += typeof key === 'number' ? `[${key}]` : (path && '.') + String(key);
  }
  return path;
}
