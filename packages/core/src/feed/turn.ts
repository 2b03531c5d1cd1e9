// Long work in small steps: between two, whoever else this thread serves has a turn.
import type { World } from '../ports/world.ts';

/** Resolves in another turn of the event loop. A promise alone would not let it turn: no socket is served between two of them. */
export function turn(world: Pick<World, 'after'>): Promise<void> {
  return new Promise((resolve) => void world.after(0, resolve));
}
