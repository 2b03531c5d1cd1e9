// Writes to a connection past Node's stream: what the kernel takes at once needs neither that stream's books nor an object of its own that
// waits for its end, which were a tenth of what a write costs.
import type { Socket } from 'node:net';

/** A write that libuv goes on with (Node 24, `lib/internal/stream_base_commons.js`). */
interface Pending {
  handle?: Handle;
  buffer?: Buffer;
  oncomplete?: (status: number) => void;
}

/** The connection as libuv has it. */
interface Handle {
  writeBuffer(pending: Pending, bytes: Buffer): number;
}

/** What Node itself writes by. */
interface Binding {
  readonly WriteWrap: new () => Pending;
  readonly streamBaseState: ArrayLike<number>;
  readonly kLastWriteWasAsync: number;
}

/** Writes bytes, and answers whether there is room for more. */
export type Write = (bytes: Buffer) => boolean;

/** Makes the writing of connections; `drained` is called once there is room again. */
export function createWriting(
  find: () => Binding | undefined = bindingOf,
): (socket: Socket, drained: () => void) => Write {
  const binding = find();
  // One for all writes that are over at once, which is nearly all of them.
  let spare = binding === undefined ? undefined : new binding.WriteWrap();

  return (socket, drained) => {
    socket.on('drain', drained);
    const handle = handleOf(socket);
    if (binding === undefined || handle === undefined) return (bytes) => socket.write(bytes);
    const { WriteWrap, streamBaseState, kLastWriteWasAsync } = binding;
    return (bytes) => {
      // What the stream has yet to write, or its end, is ahead of this.
      if (spare === undefined || socket.destroyed || socket.writableLength > 0 || socket.writableEnded)
        return socket.write(bytes);
      const pending = spare;
      if (handle.writeBuffer(pending, bytes) !== 0) {
        socket.destroy();
        return false;
      }
      if (streamBaseState[kLastWriteWasAsync] === 0) return true;
      // The kernel has taken a part, and libuv keeps the rest: until then the bytes, the connection and this object are in use.
      spare = new WriteWrap();
      pending.handle = handle;
      pending.buffer = bytes;
      pending.oncomplete = (status) => void (status < 0 ? socket.destroy() : drained());
      return false;
    };
  };
}

function handleOf(socket: Socket): Handle | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null || !('writeBuffer' in handle)) return undefined;
  // It is one of libuv's by the name of what it can do.
  return handle as Handle;
}

/** Undefined where it is not as Node 24 has it, or may not be had. */
function bindingOf(): Binding | undefined {
  const binding: unknown = Reflect.get(process, 'binding');
  if (typeof binding !== 'function') return undefined;
  try {
    const its: unknown = binding.call(process, 'stream_wrap');
    const isKnown =
      typeof its === 'object' &&
      its !== null &&
      'WriteWrap' in its &&
      'streamBaseState' in its &&
      'kLastWriteWasAsync' in its;
    return isKnown ? (its as Binding) : undefined;
  } catch {
    return undefined;
  }
}
