// Rows 105, 106 and 108. A payment that is tried again, charged once per order, and never lost from sight.
import { createDispatcher, idempotent, retry, withRecovery, withWaiting } from '@godwit/core/dispatcher';

/** A payment to be made. */
export interface Payment {
  readonly orderId: string;
  readonly cents: number;
}

/** Charges what is due. Wrappers compose from the inside out: tried again, once per order, and then recovered. */
export async function payments(
  due: readonly Payment[],
  charge: (payment: Payment, attempt: number) => Promise<void>,
): Promise<readonly string[]> {
  const unpaid: string[] = [];
  const dispatcher = withWaiting(createDispatcher<{ 'payment.due': Payment }>());
  const charged = retry((payment: Payment, { attempt }) => charge(payment, attempt), { attempts: 3, baseMs: 1 });
  const once = idempotent(charged, { key: ({ orderId }) => orderId, lifetimeMs: 60_000 });
  dispatcher.on(
    'payment.due',
    withRecovery(once, (error, { orderId }) => unpaid.push(`${orderId}: ${(error as Error).message}`)),
  );
  for (const payment of due) await dispatcher.dispatchAndWait('payment.due', payment);
  return unpaid;
}
