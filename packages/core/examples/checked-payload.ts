// Row 110. A payload that comes from outside, checked by whatever validator the application has: zod here, valibot there.
import { checkedBy, createDispatcher, defineEvents, isFailure } from '@godwit/core/dispatcher';
import * as v from 'valibot';
import { z } from 'zod';

const events = defineEvents({
  'order.placed': v.object({ items: v.array(v.object({ sku: v.string(), price: v.number() })) }),
  'user.created': z.object({ email: z.email() }),
});

/** Dispatches what came from outside. Answers 'taken', or what is wrong with it and where. */
export function checkedPayload(name: keyof typeof events, json: string): string {
  const dispatcher = createDispatcher({ check: checkedBy(events) });
  try {
    // What was parsed is anything at all: the definition decides.
    dispatcher.dispatch(name, JSON.parse(json));
    return 'taken';
  } catch (error) {
    return isFailure(error, 'InvalidPayload') ? `${error.details.path ?? ''}: ${error.message}` : 'failed';
  }
}
