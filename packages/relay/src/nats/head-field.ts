// A message's head travels as a header of NATS.
import { headers, type MsgHdrs } from '@nats-io/transport-node';

const field = 'Godwit-Head';

/** What the header takes beside the head itself, and beside what JetStream is told with it, in bytes. */
export const fieldBytes = 256;

/** A message's headers. */
export function withHead(head: string): MsgHdrs {
  const made = headers();
  made.set(field, head);
  return made;
}

/** What a message says of itself; empty where it is nobody's of ours. */
export function headOf(given: MsgHdrs | undefined): string {
  return given?.get(field) ?? '';
}
