// Row 100. A workflow of steps that know nothing of each other: each hears one event and publishes the next.
import { createDispatcher, withStreams } from '@godwit/core/dispatcher';

interface Order {
  readonly orderId: string;
  readonly items: number;
}

/** The steps. */
export interface OrderEvents {
  'order.created': Order;
  'order.validated': Order;
  'inventory.reserved': Order;
  'payment.completed': Order;
  'shipping.arranged': Order;
  'order.failed': { readonly orderId: string; readonly step: string; readonly why: string };
}

/** Runs one order through, and answers the events that happened. Within one process: it does not outlive it. */
export async function orderWorkflow(order: Order, stock: number): Promise<readonly string[]> {
  const happened: string[] = [];
  const dispatcher = withStreams(createDispatcher<OrderEvents>());

  const step = (
    from: Exclude<keyof OrderEvents, 'order.failed' | 'shipping.arranged'>,
    to: Exclude<keyof OrderEvents, 'order.failed' | 'order.created'>,
    work: (order: Order) => Promise<void>,
  ): void => {
    dispatcher.on(from, async (order, { publish }) => {
      try {
        await work(order);
        publish(to, order);
      } catch (error) {
        publish('order.failed', { orderId: order.orderId, step: to, why: String(error) });
      }
    });
  };
  step('order.created', 'order.validated', async ({ items }) => {
    if (items < 1) throw new RangeError('nothing was ordered');
  });
  step('order.validated', 'inventory.reserved', async ({ items }) => {
    if (items > stock) throw new RangeError(`only ${stock} left`);
  });
  step('inventory.reserved', 'payment.completed', async () => {});
  step('payment.completed', 'shipping.arranged', async () => {});
  dispatcher.on('**', (_, { type }) => happened.push(type));

  const ends = dispatcher.events('**', {
    filter: (_, type) => type === 'shipping.arranged' || type === 'order.failed',
  });
  dispatcher.dispatch('order.created', order);
  await ends.next();
  await dispatcher.close();
  return happened;
}
