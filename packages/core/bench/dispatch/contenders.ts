// The peers, each used as its documentation says, with the same handlers.
import { setMaxListeners } from 'node:events';
import Emittery from 'emittery';
import { EventEmitter } from 'eventemitter3';
import mittModule from 'mitt';
import { createNanoEvents } from 'nanoevents';
import { Subject } from 'rxjs';
import type { createDispatcher, withWaiting } from '../../src/dispatcher/index.ts';
import type { Contender } from './measure.ts';

// Its types describe the CommonJS build; what Node loads is the function itself.
const mitt = 'default' in mittModule ? mittModule.default : mittModule;

/** What the events carry. */
export interface Order {
  readonly total: number;
}

/** What the handlers add up, so that no engine can leave them out. */
export const ledger: { sum: number } = { sum: 0 };

/** Ten different functions: in an application no two handlers are the same code. */
const handlers: readonly ((order: Order) => void)[] = [
  (order) => void (ledger.sum = (ledger.sum + order.total) | 0),
  (order) => void (ledger.sum = (ledger.sum - order.total) | 0),
  (order) => void (ledger.sum = (ledger.sum + order.total + 1) | 0),
  (order) => void (ledger.sum ^= order.total),
  (order) => void (ledger.sum |= order.total),
  (order) => void (ledger.sum = (ledger.sum + 2 * order.total) | 0),
  (order) => void (ledger.sum = order.total),
  (order) => void (ledger.sum &= order.total),
  (order) => void (ledger.sum = (ledger.sum - 3 * order.total) | 0),
  (order) => void (ledger.sum = (ledger.sum + (order.total & 3)) | 0),
];

/** `count` handlers. */
export function syncHandlers(count: number): readonly ((order: Order) => void)[] {
  return Array.from({ length: count }, (_, index) => handlers[index % handlers.length] ?? (() => {}));
}

const order: Order = { total: 7 };
const type = 'order.placed';

/** Fire and forget, to `count` synchronous handlers of each of them. */
export function fireAndForget(create: typeof createDispatcher, count: number): Readonly<Record<string, Contender>> {
  const all = syncHandlers(count);
  const godwit = create<{ 'order.placed': Order }>();
  const nano = createNanoEvents<Record<string, (order: Order) => void>>();
  const mitted = mitt<Record<string, Order>>();
  const emitter3 = new EventEmitter();
  const subject = new Subject<Order>();
  const target = new EventTarget();
  setMaxListeners(0, target);
  for (const handler of all) {
    godwit.on(type, handler);
    nano.on(type, handler);
    mitted.on(type, handler);
    emitter3.on(type, handler);
    subject.subscribe(handler);
    // An EventTarget takes a function once only.
    target.addEventListener(type, (event) => handler((event as CustomEvent<Order>).detail));
  }
  return {
    godwit: (times) => {
      for (let n = 0; n < times; n += 1) godwit.dispatch(type, order);
    },
    nanoevents: (times) => {
      for (let n = 0; n < times; n += 1) nano.emit(type, order);
    },
    mitt: (times) => {
      for (let n = 0; n < times; n += 1) mitted.emit(type, order);
    },
    eventemitter3: (times) => {
      for (let n = 0; n < times; n += 1) emitter3.emit(type, order);
    },
    'rxjs Subject': (times) => {
      for (let n = 0; n < times; n += 1) subject.next(order);
    },
    EventTarget: (times) => {
      for (let n = 0; n < times; n += 1) target.dispatchEvent(new CustomEvent(type, { detail: order }));
    },
  };
}

/** Awaited, by both that can, with handlers that are asynchronous or not. */
export function awaited(
  create: typeof createDispatcher,
  wait: typeof withWaiting,
  count: number,
  asynchronous: boolean,
): Readonly<Record<string, Contender>> {
  const godwit = wait(create<{ 'order.placed': Order }>());
  const emittery = new Emittery<{ 'order.placed': Order }>();
  for (const handler of syncHandlers(count)) {
    godwit.on(type, asynchronous ? async (data) => handler(data) : (data) => handler(data));
    emittery.on(type, asynchronous ? async ({ data }) => handler(data) : ({ data }) => handler(data));
  }
  return {
    godwit: async (times) => {
      for (let n = 0; n < times; n += 1) await godwit.dispatchAndWait(type, order);
    },
    emittery: async (times) => {
      for (let n = 0; n < times; n += 1) await emittery.emit(type, order);
    },
  };
}

/** One exact handler or one pattern among `patterns` that are registered and do not match, all for the same event. */
export function among(
  create: typeof createDispatcher,
  pattern: 'order.placed' | 'order.*',
  patterns: number,
): Contender {
  const godwit = create<{ 'order.placed': Order }>();
  for (let index = 0; index < patterns; index += 1) godwit.on(`other.${index}.*`, () => {});
  for (const handler of syncHandlers(1)) godwit.on(pattern, handler);
  return (times) => {
    for (let n = 0; n < times; n += 1) godwit.dispatch(type, order);
  };
}

/** tseep, which compiles code as it runs; a Content-Security-Policy without 'unsafe-eval' forbids that. */
export async function compiled(count: number): Promise<Contender | undefined> {
  try {
    const { EventEmitter: Tseep } = await import('tseep');
    const emitter = new Tseep<Record<string, (order: Order) => void>>();
    for (const handler of syncHandlers(count)) emitter.on(type, handler);
    return (times) => {
      for (let n = 0; n < times; n += 1) emitter.emit(type, order);
    };
  } catch {
    return undefined;
  }
}
