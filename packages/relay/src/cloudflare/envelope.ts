// Failures between the Worker and its objects: errors lose their class and their fields on RPC, plain results do not.
import { failureFromJson, failureToJson, type FailureJson } from '@godwit/core';

/** What an object's method answers. Whatever it throws instead was thrown by the platform. */
export type Envelope<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly failure: FailureJson };

/** Runs a method's work and packs what comes of it. */
export async function pack<Value>(work: () => Promise<Value>): Promise<Envelope<Value>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, failure: failureToJson(error, { stack: false }) };
  }
}

/** Takes the value out, or throws the failure. */
export function unpack<Value>(envelope: Envelope<Value>): Value {
  if (envelope.ok) return envelope.value;
  throw failureFromJson(envelope.failure);
}
