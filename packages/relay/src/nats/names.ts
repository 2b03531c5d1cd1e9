// What streams and subjects are called: channels have names that NATS would not take.
import { createHash } from 'node:crypto';

/** As JetStream knows a stream, and where its messages are published. */
export interface NatsNames {
  readonly stream: string;
  readonly subject: string;
}

/** The names of a channel's stream. In hex: a stream is a folder, and some disks know no capitals. */
export function streamNames(prefix: string, name: string): NatsNames {
  const hash = hashOf(name);
  return { stream: `${prefix}_${hash}`, subject: `${prefix}.log.${hash}` };
}

/** Where relays tell each other what is not in a channel's log. */
export function nearSubject(prefix: string, name: string): string {
  return `${prefix}.near.${hashOf(name)}`;
}

/** Of its bytes in UTF-16: channels that differ by a lone surrogate differ. */
function hashOf(name: string): string {
  return createHash('sha256').update(name, 'utf16le').digest('hex');
}
