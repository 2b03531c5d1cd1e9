import { expect, test } from 'vitest';
import { createDispatcher } from './dispatcher.ts';
import { adviseNames, nameAdvice } from './naming.ts';

test.each(['order.placed', 'user.logged_in', 'github.issues.opened', 'sync.re-started'])(
  '%s is a good name',
  (name) => {
    expect(nameAdvice(name)).toBeUndefined();
  },
);

test.each([
  ['instances_created', 'has no domain'],
  ['orderPlaced', 'has no domain'],
  ['Order.Placed', 'write "Order" in lower-case letters'],
  ['order.placed!', 'write "placed!" in lower-case letters'],
])('%s could be better: %s', (name, advice) => {
  expect(nameAdvice(name)).toContain(advice);
});

test('in development a name that could be better is warned of once, and works', () => {
  const warned: string[] = [];
  const heard: unknown[] = [];
  const dispatcher = createDispatcher();
  dispatcher.on(
    '**',
    adviseNames((advice) => warned.push(advice)),
  );
  dispatcher.on('orderPlaced', (data) => heard.push(data));
  dispatcher.dispatch('orderPlaced', 1);
  dispatcher.dispatch('orderPlaced', 2);
  dispatcher.dispatch('order.paid', 3);
  expect(heard).toEqual([1, 2]);
  expect(warned).toEqual(['"orderPlaced" has no domain; a name like "order.placed" can be heard by "order.*"']);
});

test('an advisor that throws harms nobody', () => {
  const reported: string[] = [];
  const dispatcher = createDispatcher({
    report: ({ message }) => reported.push(message),
  });
  const heard: unknown[] = [];
  dispatcher.on(
    '**',
    adviseNames(() => {
      throw new Error('no advice');
    }),
  );
  dispatcher.on('orderPaid', (data) => heard.push(data));
  dispatcher.dispatch('orderPaid', 3);
  expect(heard).toEqual([3]);
  expect(reported).toEqual(['the handler "anonymous" failed on "orderPaid": no advice']);
});
