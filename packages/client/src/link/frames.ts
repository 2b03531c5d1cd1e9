// Bytes of a stream become frames, in groups as they arrive. Whatever arrives is a sign of life.
import { Failure } from '@godwit/core';
import { decodeFrame, type Frame } from '@godwit/core/protocol';
import { createParser } from 'eventsource-parser';

/** The largest frame, in UTF-16 units: four times what a relay takes in one POST by default. Beyond, it is no relay's. */
export const frameUnitsMax: number = 4 * 1024 * 1024;

/** Parses the bytes of one stream. */
export interface FrameParser {
  /**
   * Takes what arrived and answers the frames that it completed.
   *
   * @throws Failure `InvalidEvent` when a frame is not what it says; `TooLarge` when one does not end
   * @throws TypeError when the bytes are no UTF-8
   */
  feed(bytes: Uint8Array): readonly Frame[];
}

/** Makes a parser for one stream. Bytes may be cut anywhere, also within a character. */
export function createFrameParser(): FrameParser {
  // Takes a byte order mark away, as the stream's format asks for. Bytes that no text has were damaged on their way: replaced,
  // as that format has it, they would become part of an event, or of an offset, that nobody wrote.
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let frames: Frame[] = [];
  let overflow: Failure | undefined;
  const parser = createParser({
    maxBufferSize: frameUnitsMax,
    onEvent(message) {
      const frame = decodeFrame(message);
      if (frame !== undefined) frames.push(frame);
    },
    onError(error) {
      // Fields that are not known here are a newer relay's.
      if (error.type !== 'max-buffer-size-exceeded') return;
      overflow = new Failure('TooLarge', `a frame of the stream has more than ${frameUnitsMax} characters`);
    },
  });
  return {
    feed(bytes) {
      frames = [];
      parser.feed(decoder.decode(bytes, { stream: true }));
      if (overflow !== undefined) throw overflow;
      // A comment, a part of a frame: somebody is there.
      return frames.length === 0 ? [{ kind: 'heartbeat' }] : frames;
    },
  };
}
