// What is measured: orders, as a shop would publish them, about 300 bytes each as they are stored.
import { defineEvents, payload, type EventDefinition } from '@godwit/core';

/** An order's payload. */
export interface Order {
  readonly order: string;
  readonly customer: string;
  readonly total: number;
  readonly items: readonly { readonly sku: string; readonly count: number }[];
}

/** The events of the runtimes that are measured. */
export type Shop = { readonly 'order.placed': EventDefinition<'order.placed', Order, Order> };

/** Their definitions. */
export const shop: Shop = defineEvents({ 'order.placed': payload<Order>() });

/** How many events a burst has. */
export const burstEvents = 1000;

/** The n-th order. */
export function orderOf(n: number): Order {
  return {
    order: `order-${n}`,
    customer: 'alice',
    total: 1999 + n,
    items: [
      { sku: 'godwit-1', count: 2 },
      { sku: 'godwit-2', count: 1 },
    ],
  };
}

/** So many orders as the events that they become, for who stores them without Godwit. */
export function eventsOf(count: number): readonly object[] {
  const time = new Date().toISOString();
  return Array.from({ length: count }, (_, n) => ({
    specversion: '1.0',
    id: crypto.randomUUID(),
    type: 'order.placed',
    time,
    datacontenttype: 'application/json',
    data: orderOf(n),
    source: 'urn:uuid:00000000-0000-0000-0000-000000000000',
  }));
}
