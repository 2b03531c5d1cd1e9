// A disk that takes nothing refuses every post: whoever runs the relay is told so now and then, not each time.
import { toFailure, type Failure, type Tell, type World } from '@godwit/core';

/** How often one trouble of the disk is told while it lasts: soon enough to be seen, and a day of it fills no log. */
const tellEveryMs = 60_000;

/**
 * Tells of one trouble of the disk once a minute at most, and in `times` how often it was met since; of whatever else there is, each
 * time.
 */
export function seldom(tell: Tell, world: Pick<World, 'now'>): Tell {
  /** By the code of the trouble, of which there are few. */
  const last = new Map<unknown, { readonly at: number; untold: number }>();
  return (error, fields = {}, level) => {
    const failure = toFailure(error);
    const code = codeOf(failure);
    if (code === undefined) return tell(failure, fields, level);
    const now = world.now();
    const { at, untold } = last.get(code) ?? { at: Number.NEGATIVE_INFINITY, untold: 0 };
    // A clock that was set back is no reason to be silent until it is there again.
    if (Math.abs(now - at) < tellEveryMs) {
      last.set(code, { at, untold: untold + 1 });
      return undefined;
    }
    last.set(code, { at: now, untold: 0 });
    return tell(failure, untold === 0 ? fields : { ...fields, times: untold + 1 }, level);
  };
}

/** SQLite's code for it, or the file system's; undefined where it is no trouble of the disk. */
function codeOf({ name, cause }: Failure): unknown {
  if (name !== 'StorageFailed' || !(cause instanceof Error)) return undefined;
  return 'errcode' in cause ? cause.errcode : Reflect.get(cause, 'code');
}
