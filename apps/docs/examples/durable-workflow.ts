// Row 100, durably. A workflow of steps that know nothing of each other: each handles one event and publishes the next. A
// step that was cut off, by a crash or a closed tab, runs again; so what it does to the world carries the order's id, by which
// a warehouse or a bank tells that it has done so before.
import { defineEvents, payload, type Runtime } from '@godwit/core';

/** What every step knows. */
export interface Order {
  readonly orderId: string;
  readonly items: number;
}

const order = payload<Order>();

/** The steps, by what has happened. */
export const workflowEvents = defineEvents({
  'order.created': order,
  'order.validated': order,
  'inventory.reserved': order,
  'payment.completed': order,
  'shipping.arranged': order,
  'order.failed': payload<{ readonly orderId: string; readonly why: string }>(),
});

/** The world outside. Each does what it is asked once for each order, however often it is asked. */
export interface Services {
  reserve(order: Order): Promise<void>;
  charge(order: Order): Promise<void>;
  ship(order: Order): Promise<void>;
}

/** Defines the steps. */
export function defineWorkflow(runtime: Pick<Runtime<typeof workflowEvents>, 'handle'>, services: Services): void {
  runtime.handle('order.created', 'validate', async ({ data }, { publish }) => {
    if (data.items < 1) await publish('order.failed', { orderId: data.orderId, why: 'nothing was ordered' });
    else await publish('order.validated', data);
  });
  runtime.handle('order.validated', 'reserve', async ({ data }, { publish }) => {
    await services.reserve(data);
    await publish('inventory.reserved', data);
  });
  runtime.handle('inventory.reserved', 'charge', async ({ data }, { publish }) => {
    await services.charge(data);
    await publish('payment.completed', data);
  });
  runtime.handle('payment.completed', 'ship', async ({ data }, { publish }) => {
    await services.ship(data);
    await publish('shipping.arranged', data);
  });
}
