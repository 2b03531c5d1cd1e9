// Which handlers an event type has. Patterns are compared when a handler comes and when a type is first seen, never at a dispatch.
import { compilePattern } from '../event/pattern.ts';
import { Failure } from '../failure.ts';
import type { Mailbox } from './mailbox.ts';

/** What is called with the payload of an event. */
export type Entry = (data: unknown) => unknown;

/** What a dispatch goes through: two arrays side by side, of which it usually reads only the first. */
export interface Listeners {
  readonly entries: Entry[];
  readonly boxes: readonly Mailbox[];
}

/** The handlers of one type, in the order in which they came. */
export interface Route {
  type: string;
  /** Replaced when handlers come or go, so that a dispatch that is under way keeps what it began with. */
  list: Listeners;
  /** Up to which number in `handed` each mailbox has counted; NaN for one that counts for itself. */
  readonly since: number[];
  /** How many events were handed to the entries. Counting here once spares counting at every handler. */
  handed: number;
}

/**
 * How many types without a handler of their own are remembered. Types may come from outside, in any number; a type that
 * was forgotten is compared with the patterns again.
 */
const rememberedMax = 10_000;

/** Handlers by type. */
export interface Routes {
  /**
   * The route of `type`, made if there is none.
   *
   * @throws Failure `InvalidPattern` when it is not a name
   */
  of(type: string): Route;
  add(box: Mailbox): void;
  remove(box: Mailbox): void;
  /** Lets a mailbox that was plain count for itself. */
  slowDown(box: Mailbox): void;
  /** Brings the counts of all mailboxes up to date. Answers how many events were handed out. */
  settle(): number;
}

/** Makes routes. `onFirstSight` hears of each type when it is first seen. */
export function createRoutes(onFirstSight: (type: string) => void): Routes {
  const routes = new Map<string, Route>();
  const patterns = new Set<Mailbox>();
  let remembered = 0;
  let handed = 0;

  const settleAt = (route: Route, index: number): void => {
    const box = route.list.boxes[index];
    const since = route.since[index] ?? NaN;
    if (box === undefined || since !== since) return;
    box.counts.passed += route.handed - since;
    box.counts.delivered += route.handed - since;
    route.since[index] = route.handed;
  };
  const settle = (route: Route): void => {
    for (const index of route.since.keys()) settleAt(route, index);
  };
  const forget = (route: Route): void => {
    settle(route);
    handed += route.handed;
    routes.delete(route.type);
    // Whoever still holds it, as the last one used, must see that it is gone; no event has an empty name.
    route.type = '';
  };
  const append = (route: Route, box: Mailbox): void => {
    const { entries, boxes } = route.list;
    route.list = { entries: [...entries, box.entry(route.type)], boxes: [...boxes, box] };
    route.since.push(box.plain ? route.handed : NaN);
  };
  const each = (box: Mailbox, work: (route: Route, index: number) => void): void => {
    const own = routes.get(box.pattern);
    for (const route of patterns.has(box) ? routes.values() : own === undefined ? [] : [own]) {
      const index = route.list.boxes.indexOf(box);
      if (index >= 0) work(route, index);
    }
  };
  const sight = (type: string): Route => {
    compilePattern(type);
    if (type.includes('*')) throw new Failure('InvalidPattern', `"${type}" is a pattern; an event has a name`);
    onFirstSight(type);
    remembered += 1;
    if (remembered > rememberedMax) {
      remembered = 0;
      for (const route of routes.values())
        if (!route.list.boxes.some((box) => box.pattern === route.type)) forget(route);
    }
    const route: Route = { type, list: { entries: [], boxes: [] }, since: [], handed: 0 };
    for (const box of patterns) if (box.matches(type)) append(route, box);
    routes.set(type, route);
    return route;
  };
  const of = (type: string): Route => routes.get(type) ?? sight(type);

  return {
    of,
    add(box) {
      const { pattern } = box;
      if (!pattern.includes('*')) return append(of(pattern), box);
      patterns.add(box);
      for (const route of routes.values()) if (box.matches(route.type)) append(route, box);
    },
    remove(box) {
      each(box, (route, index) => {
        settleAt(route, index);
        const { entries, boxes } = route.list;
        route.list = { entries: entries.toSpliced(index, 1), boxes: boxes.toSpliced(index, 1) };
        route.since.splice(index, 1);
        if (route.since.length === 0) forget(route);
      });
      patterns.delete(box);
    },
    slowDown(box) {
      box.plain = false;
      each(box, (route, index) => {
        settleAt(route, index);
        route.since[index] = NaN;
        route.list.entries[index] = box.entry(route.type);
      });
    },
    settle() {
      let sum = handed;
      for (const route of routes.values()) {
        settle(route);
        sum += route.handed;
      }
      return sum;
    },
  };
}
