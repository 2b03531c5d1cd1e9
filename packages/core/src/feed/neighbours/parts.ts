// Who is with this relay, in messages that a network takes.
import { utf8Length } from '../../event/json.ts';
import type { ClientThere, NeighbourMessage } from '../../ports/neighbours.ts';

/** Of one message: well below what networks take for one, and no long wait for what is said behind it. */
const partBytesMax = 60 * 1024;

/** All the clients in as many parts as they need: one, where there are none. */
export function* partsOf(all: Iterable<ClientThere>): Generator<NeighbourMessage> {
  let clients: ClientThere[] = [];
  let bytes = 0;
  let part = 0;
  for (const client of all) {
    // With the comma behind it.
    const more = utf8Length(JSON.stringify(client)) + 1;
    if (bytes + more > partBytesMax && clients.length > 0) {
      yield { kind: 'present', part, isLast: false, clients };
      part += 1;
      [clients, bytes] = [[], 0];
    }
    clients.push(client);
    bytes += more;
  }
  yield { kind: 'present', part, isLast: true, clients };
}
