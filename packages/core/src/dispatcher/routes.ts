// Which handlers a type has, and what passed them. Patterns are compared when a handler comes and when a type is first seen.
import { assertEventName } from '../event/pattern.ts';
import type { Box, Route } from './box.ts';
import { addCounts, type HandlerCounts, noCounts } from './counts.ts';
import { rememberedMax } from './limits.ts';
import { ask } from './mailbox.ts';

/** The routes of a dispatcher: in a tuple, whose places are names that cost no bytes. */
export type Routes = readonly [
  boxes: Set<Box>,
  /** All handlers together, also those that have stopped. */
  total: () => HandlerCounts,
  /** One is no longer among them: its counts are those of all that have stopped, from now on. */
  remove: (box: Box) => void,
  /** @throws Failure `InvalidPattern` when the type is new, and no name */
  routeOf: (type: string) => Route,
  /** Brings counts up to date, and answers how many events were handed out. Lets routes be made anew: those of the types that `forget` accepts. */
  settle: (forget?: (type: string) => unknown) => number,
];

/** Makes the routes of a dispatcher; `onSettle` is called before a route that was handed out may no longer hold. */
export function createRoutes(onSettle: () => void): Routes {
  const routes = new Map<string, Route>();
  const boxes = new Set<Box>();
  /** The counts of those that have stopped. */
  const gone = noCounts();
  let handedOut = 0;

  const settle: Routes[4] = (forget) => {
    onSettle();
    for (const route of routes.values()) {
      for (const { counts } of route.boxes) {
        counts.passed += route.handed;
        counts.delivered += route.handed;
      }
      handedOut += route.handed;
      route.handed = 0;
      if (forget?.(route.type)) routes.delete(route.type);
    }
    return handedOut;
  };

  const routeOf = (type: string): Route => {
    let route = routes.get(type);
    if (!route) {
      assertEventName(type);
      if (routes.size >= rememberedMax) settle(() => true);
      const heard = [...boxes].filter((box) => box.matches(type));
      const entries = heard.map((box) => box.entry(type));
      // Where all have to be asked, nobody goes through what only says so.
      route = { type, boxes: heard, entries: entries.some((entry) => entry !== ask) ? entries : [], handed: 0 };
      routes.set(type, route);
    }
    return route;
  };

  const total = (): HandlerCounts => [gone, ...[...boxes].map(({ counts }) => counts)].reduce(addCounts, noCounts());

  const remove = (box: Box): void => {
    settle(box.matches);
    addCounts(gone, box.counts);
    box.counts = gone;
  };

  return [boxes, total, remove, routeOf, settle];
}
