import { expect, test } from 'vitest';
import { decodeFrame, encodeControlFrame, type ControlFrame } from './frames.ts';

const frames: readonly ControlFrame[] = [
  { kind: 'connected', channel: 'a', head: 'e.2', position: 'e.1' },
  { kind: 'gap', channel: 'a', missed: 3, reason: 'retention', next: 'e.5', position: 'e.4' },
  { kind: 'gap', channel: 'a', missed: null, reason: 'epoch', next: 'f.1', position: 'f.0' },
  { kind: 'dropped', channel: 'a', dropped: { overflow: 2 } },
  { kind: 'position', channel: 'a', position: 'e.7' },
  { kind: 'drain', retryAfterMs: 100 },
  { kind: 'refused', channel: 'a', name: 'Forbidden' },
];

test.for(frames)('a control frame is read as it was written: $kind', (frame) => {
  const [, event = '', data = ''] = /^event: (.*)\ndata: (.*)\n\n$/.exec(encodeControlFrame(frame)) ?? [];
  expect(decodeFrame({ event, data })).toEqual(frame);
});

test('a control frame of a kind that is not known is passed over', () => {
  expect(decodeFrame({ event: 'weather', data: '{"channel":"a"}' })).toBeUndefined();
});

test.for(['connected', 'gap', 'dropped', 'position', 'drain', 'refused'])(
  'a control frame without its members is refused: %s',
  (event) => {
    for (const data of ['{}', 'null', '[]', '7']) {
      expect(() => decodeFrame({ event, data })).toThrow(expect.objectContaining({ name: 'InvalidEvent' }));
    }
  },
);
