// Row 98. Mail that follows from what happened: nobody who changes a user or an order knows of mail.
import { UserCreated, UserPasswordReset } from '@godwit/core/builtin';
import {
  checkedBy,
  createDispatcher,
  defineEvent,
  defineEvents,
  payload,
  retry,
  withWaiting,
} from '@godwit/core/dispatcher';

/** A mail that was sent. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
}

/** Sends the mails, trying again where that fails. */
export async function notifications(send: (mail: Mail) => Promise<void>): Promise<void> {
  const OrderConfirmed = defineEvent('order.confirmed', {
    schema: payload<{ readonly userId: string; readonly orderId: string }>(),
  });
  const events = defineEvents({
    'user.created': UserCreated,
    'user.password_reset': UserPasswordReset,
    'order.confirmed': OrderConfirmed,
  });
  const dispatcher = withWaiting(createDispatcher({ check: checkedBy(events) }));
  const mail = (subject: (data: { readonly userId: string; readonly orderId?: unknown }) => string) =>
    retry(
      (data: { readonly userId: string; readonly orderId?: unknown }) =>
        send({ to: data.userId, subject: subject(data) }),
      { attempts: 3, baseMs: 1 },
    );
  dispatcher.on(
    'user.created',
    mail(() => 'Welcome'),
  );
  dispatcher.on(
    'user.password_reset',
    mail(() => 'Your password was reset'),
  );
  dispatcher.on(
    'order.confirmed',
    mail(({ orderId }) => `Order ${String(orderId)} is confirmed`),
  );
  await dispatcher.dispatchAndWait('user.created', { userId: 'alice' });
  await dispatcher.dispatchAndWait('user.password_reset', { userId: 'alice' });
  await dispatcher.dispatchAndWait('order.confirmed', { userId: 'bob', orderId: '7' });
}
