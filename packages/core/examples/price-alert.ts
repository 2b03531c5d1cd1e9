// Row 111. Events of one's own: product.*, and an alert when a price moves by more than a fifth.
import { createDispatcher } from '@godwit/core/dispatcher';

/** What a shop tells about its products. */
export interface ProductEvents {
  'product.created': { readonly sku: string; readonly cents: number };
  'product.price_changed': { readonly sku: string; readonly from: number; readonly to: number };
  'product.alerted': { readonly sku: string; readonly percent: number };
}

/** The change, in percent, above which someone should look. */
const alertPercent = 20;

/** Hears of price changes, and answers the alerts. */
export function priceAlerts(changes: readonly ProductEvents['product.price_changed'][]): readonly string[] {
  const alerts: string[] = [];
  const dispatcher = createDispatcher<ProductEvents>();
  dispatcher.on(
    'product.price_changed',
    (change, { publish }) => publish('product.alerted', { sku: change.sku, percent: Math.round(percentOf(change)) }),
    { filter: (change) => Math.abs(percentOf(change)) > alertPercent },
  );
  dispatcher.on('product.alerted', ({ sku, percent }) => alerts.push(`${sku} ${percent} %`));
  for (const change of changes) dispatcher.dispatch('product.price_changed', change);
  return alerts;
}

function percentOf({ from, to }: { readonly from: number; readonly to: number }): number {
  return ((to - from) / from) * 100;
}
