// A link whose every answer the test writes: for what a real relay says too rarely to wait for.
import type { CloudEvent } from '../event/cloudevent.ts';
import type { Link } from '../ports/link.ts';
import type { Frame } from '../protocol/frames.ts';
import type { AppendResult } from '../protocol/results.ts';
import { createBell } from '../timing/wait.ts';

/** A stream that the device has opened. */
export interface ScriptedStream {
  readonly positions: ReadonlyMap<string, string>;
  /** Sends frames, as one group. */
  send(...frames: readonly Frame[]): void;
  /** Ends the stream; with an error, it breaks. */
  end(error?: Error): void;
  readonly open: boolean;
}

/** A scripted link, and what was asked of it. */
export interface ScriptedLink extends Link {
  /** Every batch pushed: the channel and the ids. */
  readonly pushed: (readonly [channel: string, ...ids: string[]])[];
  readonly streams: ScriptedStream[];
  readonly renewed: number;
}

/** Appends everything, as a relay without troubles does. Offsets are `e.` and a number of four digits. */
export function appendAll(): (channel: string, events: readonly CloudEvent[]) => readonly AppendResult[] {
  let sequence = 0;
  return (_channel, events) => events.map(({ id }) => ({ id, status: 'appended', offset: offsetOf((sequence += 1)) }));
}

/** The offset of a sequence, in the epoch `e`. */
export function offsetOf(sequence: number, epoch = 'e'): string {
  return `${epoch}.${String(sequence).padStart(4, '0')}`;
}

/** Makes a scripted link. `push` answers, or throws, for each batch. */
export function createScriptedLink(
  push: (channel: string, events: readonly CloudEvent[]) => readonly AppendResult[] | Promise<readonly AppendResult[]>,
): ScriptedLink {
  const pushed: (readonly [string, ...string[]])[] = [];
  const streams: ScriptedStream[] = [];
  let renewed = 0;
  return {
    pushed,
    streams,
    get renewed() {
      return renewed;
    },
    async push(channel, events) {
      pushed.push([channel, ...events.map(({ id }) => id)]);
      return push(channel, events);
    },
    async *pull(positions, signal) {
      const groups: (readonly Frame[])[] = [];
      let ended: { readonly error?: Error } | undefined;
      const news = createBell();
      const stream: ScriptedStream = {
        positions: new Map(positions),
        send(...frames) {
          groups.push(frames);
          news.ring();
        },
        end(error) {
          ended = error === undefined ? {} : { error };
          news.ring();
        },
        get open() {
          return ended === undefined && !signal.aborted;
        },
      };
      streams.push(stream);
      while (!signal.aborted) {
        const group = groups.shift();
        if (group !== undefined) yield group;
        else if (ended?.error !== undefined) throw ended.error;
        else if (ended !== undefined) return;
        else await news.wait(signal);
      }
    },
    renew() {
      renewed += 1;
    },
  };
}
