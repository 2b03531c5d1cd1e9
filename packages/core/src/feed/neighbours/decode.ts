// What a neighbour said: read as a message, or refused whole.
import { decodeCloudEvent } from '../../event/cloudevent.ts';
import { Failure } from '../../failure.ts';
import type { ClientThere, NeighbourMessage } from '../../ports/neighbours.ts';

/** Beyond, a time is none (ECMA-262, Time Values and Time Range). */
const timeMax = 8.64e15;

/**
 * Reads a message. Answers undefined for a kind that this release does not know.
 *
 * @throws Failure `InvalidRequest` or `InvalidEvent`, where it is damaged
 */
export function decodeNeighbourMessage(value: unknown): NeighbourMessage | undefined {
  const message = objectOf(value);
  const { kind, clientId, since, count, sum, of, part, isLast, clients } = message;
  switch (kind) {
    case 'ephemeral': {
      const event = decodeCloudEvent(message['event']);
      // What is stored is announced by the log, and by nothing else.
      if (event.ephemeral !== true) throw refuse('an event that is not ephemeral');
      return { kind, event };
    }
    case 'came':
      return { kind, clientId: textOf(clientId), since: timeOf(since) };
    case 'went':
      return { kind, clientId: textOf(clientId) };
    case 'here':
      return { kind, count: numberOf(count), sum: numberOf(sum) };
    case 'who':
      return of === undefined ? { kind } : { kind, of: textOf(of) };
    case 'present':
      if (typeof isLast !== 'boolean' || !Array.isArray(clients)) throw refuse('a list that is none');
      return { kind, part: numberOf(part), isLast, clients: clients.map(clientOf) };
    default:
      if (typeof kind !== 'string') throw refuse('a message without a kind');
      return undefined;
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw refuse(`${typeof value} for a message`);
  return { ...value };
}

function clientOf(value: unknown): ClientThere {
  if (!Array.isArray(value)) throw refuse(`${typeof value} for a client`);
  return [textOf(value[0]), timeOf(value[1])];
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw refuse(`${typeof value} for a name`);
  return value;
}

function timeOf(value: unknown): number {
  if (typeof value !== 'number' || !(Math.abs(value) <= timeMax)) throw refuse(`${String(value)} for a time`);
  return value;
}

function numberOf(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw refuse(`${String(value)} for a number`);
  return value;
}

function refuse(what: string): Failure {
  return new Failure('InvalidRequest', `a neighbour said ${what}`);
}
