// Row 53. An entity collects what happened to it, and tells it once it is saved: never of what was not.
import { createRaiser, defineEvents, type Raiser, type Runtime } from '@godwit/core';
import * as v from 'valibot';

/** What happens to orders. */
export const orderEvents = defineEvents({
  'order.placed': v.object({ items: v.array(v.string()) }),
  'order.paid': v.object({ by: v.string() }),
});

/** An order that knows nothing of runtimes. */
export class Order {
  readonly id: string;
  readonly events: Raiser<typeof orderEvents>;
  paid = false;

  constructor(id: string, items: string[]) {
    this.id = id;
    // Each event is a domain event: it says which order it happened to.
    this.events = createRaiser(orderEvents, { entity: { name: 'order', id } });
    this.events.raise('order.placed', { items });
  }

  pay(by: string): void {
    if (this.paid) throw new Error(`the order ${this.id} is paid already`);
    this.paid = true;
    this.events.raise('order.paid', { by });
  }
}

/** Saves an order, then publishes what happened to it. Where saving fails, its events wait for the next try. */
export async function saveOrder(
  order: Order,
  save: (order: Order) => Promise<void>,
  runtime: Runtime<typeof orderEvents>,
): Promise<void> {
  await save(order);
  await order.events.publishTo(runtime);
}
