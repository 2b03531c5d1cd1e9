// What a dispatcher knows at compile time: names complete, a wrong payload fails at the payload, a pattern is the union of what it matches.
import type { EventDefinition, EventName } from '../event/define.ts';
import type { HandlerCall } from './call.ts';

/** The payload that dispatching `Name` takes: of a definition its input, else what stands under the name itself. */
export type PayloadOf<Events, Name extends keyof Events> =
  Events[Name] extends EventDefinition<string, infer Input, infer _Output> ? Input : Events[Name];

/** The payload that a handler of `Name` gets. */
export type HandledOf<Events, Name extends keyof Events> =
  Events[Name] extends EventDefinition<string, infer _Input, infer Output> ? Output : Events[Name];

/** Whether a type matches a pattern, as `compilePattern` says. */
export type Matches<Type extends string, Pattern extends string> = Pattern extends '*' | '**'
  ? true
  : MatchesSegments<Type, Pattern>;

type MatchesSegments<Type extends string, Pattern extends string> = Pattern extends `${infer Wanted}.${infer Rest}`
  ? Wanted extends '**'
    ? MatchesSegments<Type, Rest> extends true
      ? true
      : Type extends `${string}.${infer Tail}`
        ? MatchesSegments<Tail, Pattern>
        : false
    : Type extends `${infer Got}.${infer Tail}`
      ? Wanted extends '*' | Got
        ? MatchesSegments<Tail, Rest>
        : false
      : Rest extends '**'
        ? Wanted extends '*' | Type
          ? true
          : false
        : false
  : Pattern extends '**'
    ? true
    : Type extends `${string}.${string}`
      ? false
      : Pattern extends '*' | Type
        ? true
        : false;

/** The names of `Events` that a pattern matches; all of them where the pattern is not known at compile time. */
export type NamesBy<Events, Pattern extends string> = string extends Pattern
  ? EventName<Events>
  : {
      [Name in EventName<Events>]: string extends Name ? Name : true extends Matches<Name, Pattern> ? Name : never;
    }[EventName<Events>];

/** What can be listened to: a name, a pattern, or any string where names are not known. */
export type PatternOf<Events> = EventName<Events> | `${string}*${string}`;

/** The payloads that a name or a pattern delivers, as a union. */
export type DataOf<Events, Pattern extends string> = {
  [Name in NamesBy<Events, Pattern>]: HandledOf<Events, Name>;
}[NamesBy<Events, Pattern>];

/** An event as an object: what streams yield, and what `event.type` tells apart. */
export interface Dispatched<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
}

/** The events that a name or a pattern delivers, as a union. */
export type DispatchedBy<Events, Pattern extends string> = {
  [Name in NamesBy<Events, Pattern>]: Dispatched<Name, HandledOf<Events, Name>>;
}[NamesBy<Events, Pattern>];

/** What a handler of a typed dispatcher gets beside the payload. */
export interface TypedCall<Events, Pattern extends string, Context> extends Omit<
  HandlerCall<Context, NamesBy<Events, Pattern>>,
  'publish'
> {
  /** Dispatches another event to the same dispatcher, with the same context, without awaiting it. */
  readonly publish: <Name extends EventName<Events>>(type: Name, data: PayloadOf<Events, NoInfer<Name>>) => void;
}

/** A handler of a typed dispatcher. */
export type Handler<Events, Pattern extends string, Context> = (
  data: DataOf<Events, Pattern>,
  call: TypedCall<Events, Pattern, Context>,
) => unknown;
