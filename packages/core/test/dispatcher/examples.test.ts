// The worked patterns of examples/ do what they say (rows 97 to 111 of the capabilities).
import { expect, test } from 'vitest';
import { analytics } from '../../examples/analytics.ts';
import { batching } from '../../examples/batching.ts';
import { boundedRequest } from '../../examples/bounded-request.ts';
import { cacheInvalidation } from '../../examples/cache-invalidation.ts';
import { checkedPayload } from '../../examples/checked-payload.ts';
import { eventLogging } from '../../examples/event-logging.ts';
import { thumbnails } from '../../examples/image-processor.ts';
import { type Mail, notifications } from '../../examples/notifications.ts';
import { orderWorkflow } from '../../examples/order-workflow.ts';
import { payments } from '../../examples/payments.ts';
import { priceAlerts } from '../../examples/price-alert.ts';
import { safeDispatch } from '../../examples/safe-dispatch.ts';
import { inTransaction } from '../../examples/transaction.ts';

test('a changed product leaves the cache: its page, and every list', () => {
  expect(cacheInvalidation()).toEqual(['products:2', 'about']);
});

test('users get their welcome, their reset and their confirmation, also when the first try fails', async () => {
  const sent: Mail[] = [];
  let tries = 0;
  await notifications(async (mail) => {
    tries += 1;
    if (tries === 1) throw new Error('the mail server is busy');
    sent.push(mail);
  });
  expect(sent).toEqual([
    { to: 'alice', subject: 'Welcome' },
    { to: 'alice', subject: 'Your password was reset' },
    { to: 'bob', subject: 'Order 7 is confirmed' },
  ]);
});

test('what happens is counted, in batches', async () => {
  expect(await analytics()).toEqual([
    [
      ['page.viewed', 1],
      ['page.viewed', 1],
      ['order.placed', 40],
    ],
    [['order.placed', 2]],
  ]);
});

test('an order goes through its five steps', async () => {
  expect(await orderWorkflow({ orderId: '1', items: 2 }, 5)).toEqual([
    'order.created',
    'order.validated',
    'inventory.reserved',
    'payment.completed',
    'shipping.arranged',
  ]);
});

test('an order that cannot be served fails at its step', async () => {
  expect(await orderWorkflow({ orderId: '1', items: 9 }, 5)).toEqual([
    'order.created',
    'order.validated',
    'order.failed',
  ]);
});

test('every event is logged, and a debugged dispatch says who heard it', async () => {
  expect(await eventLogging()).toEqual([
    '→ order.placed, heard',
    'order.placed {"total":12}',
    '← order.placed: welcome, log, charge',
    // Who has heard once and gone shifts nobody else.
    '→ order.placed, heard',
    'order.placed {"total":13}',
    '← order.placed: log, charge',
    '→ order.cancelled, heard',
    'order.cancelled {}',
    '✗ "order.cancelled": the handler "refund" failed on "order.cancelled": the bank is closed',
    '→ user.left, heard',
    'user.left null',
    '← user.left: log',
  ]);
});

test('readings are written in batches of a hundred, and none is left at the end', async () => {
  const readings = Array.from({ length: 250 }, (_, index) => index);
  const batches = await batching(readings);
  expect(batches.map(({ length }) => length)).toEqual([100, 100, 50]);
  expect(batches.flat()).toEqual(readings);
});

test('what a transaction raised is told when it is through, and not when it fails', async () => {
  expect(
    await inTransaction(async (raise) => {
      raise('withdrawn');
      raise('deposited');
    }),
  ).toEqual(['withdrawn', 'deposited']);
  expect(
    await inTransaction(async (raise) => {
      raise('withdrawn');
      throw new Error('no such account');
    }),
  ).toEqual([]);
});

test('two workers share the images, and all are done at shutdown', async () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  expect(await thumbnails(names)).toEqual({ done: names, most: 2 });
});

test('a payment is tried again, charged once per order, and what stays unpaid is known', async () => {
  const charged: string[] = [];
  const unpaid = await payments(
    [
      { orderId: '1', cents: 100 },
      { orderId: '1', cents: 100 },
      { orderId: '2', cents: 200 },
    ],
    async ({ orderId }, attempt) => {
      if (orderId === '2') throw new Error('card expired');
      if (attempt === 1) throw new Error('timeout at the bank');
      charged.push(orderId);
    },
  );
  expect(charged).toEqual(['1']);
  expect(unpaid).toEqual(['2: attempt 3 of 3 failed, and that was the last: card expired']);
});

test('a request carries its user, and one that takes too long says what had not ended', async () => {
  expect(await boundedRequest('alice', 0, 60_000)).toBe('a report for alice');
  expect(await boundedRequest('alice', 60_000, 1)).toBe('"report.asked" was awaited for 1 ms; not ended: report');
});

test('a safe dispatch logs, and does not throw', async () => {
  expect(await safeDispatch()).toEqual(['Closed: it was closed; make another']);
});

test('a payload from outside is checked by any validator, and the answer says where it is wrong', () => {
  expect(checkedPayload('order.placed', '{"items":[{"sku":"A1","price":995}]}')).toBe('taken');
  expect(checkedPayload('order.placed', '{"items":[{"sku":"A1","price":"995"}]}')).toMatch(
    /^items\[0\]\.price: the payload of "order\.placed" is refused at `items\[0\]\.price`: /,
  );
  expect(checkedPayload('user.created', '{"email":"alice"}')).toMatch(
    /^email: the payload of "user\.created" is refused/,
  );
});

test('a price that moves by more than a fifth raises an alert', () => {
  expect(
    priceAlerts([
      { sku: 'A1', from: 100, to: 119 },
      { sku: 'B2', from: 100, to: 121 },
      { sku: 'C3', from: 100, to: 70 },
    ]),
  ).toEqual(['B2 21 %', 'C3 -30 %']);
});
