// A disk that takes nothing refuses every post: whoever runs the relay is told so now and then, not each time.
import { toFailure, type Failure, type Stop, type Tell, type World } from '@godwit/core';

/** How often one trouble of the disk is told while it lasts: soon enough to be seen, and a day of it fills no log. */
const tellEveryMs = 60_000;

/** The minute behind the telling of a trouble. */
interface Minute {
  /** How often the trouble was met in it. */
  times: number;
  /** Tells of the last time, if there was one. */
  tellUntold: (() => void) | undefined;
  readonly stop: Stop;
}

/** What tells of one trouble seldom. */
export interface Seldom {
  readonly tell: Tell;
  /** Tells at once what was to be told at the end of a minute; from then on, each time. */
  readonly stop: Stop;
}

/**
 * Tells of a trouble of the disk at once, and of the same one behind that at the end of each minute in which it was met, with how many
 * `times`; of whatever else there is, each time.
 */
export function seldom(tell: Tell, world: Pick<World, 'after'>): Seldom {
  /** By the code of the trouble, of which there are few. */
  const minutes = new Map<unknown, Minute>();
  let isOver = false;

  function begin(code: unknown): void {
    const stop = world.after(tellEveryMs, () => {
      if (end(code)) begin(code);
    });
    minutes.set(code, { times: 0, tellUntold: undefined, stop });
  }

  /** Answers whether it had something to tell. */
  function end(code: unknown): boolean {
    const { tellUntold } = minutes.get(code) ?? {};
    minutes.delete(code);
    tellUntold?.();
    return tellUntold !== undefined;
  }

  return {
    tell(error, fields = {}, level) {
      const failure = toFailure(error);
      const code = codeOf(failure);
      const minute = minutes.get(code);
      if (minute !== undefined) {
        const times = (minute.times += 1);
        minute.tellUntold = () => tell(failure, { ...fields, times }, level);
        return;
      }
      if (code !== undefined && !isOver) begin(code);
      tell(failure, fields, level);
    },
    stop() {
      isOver = true;
      for (const [code, { stop }] of minutes) {
        stop();
        end(code);
      }
    },
  };
}

/** SQLite's code for it, or the file system's; undefined where it is no trouble of the disk. */
function codeOf({ name, cause }: Failure): unknown {
  if (name !== 'StorageFailed' || !(cause instanceof Error)) return undefined;
  return 'errcode' in cause ? cause.errcode : Reflect.get(cause, 'code');
}
