import { expect, test } from 'vitest';
import { createMerged, cutFrames } from './merge.ts';

const encoder = new TextEncoder();
const text = 'id: 1\ndata: {"a":"ä"}\n\n: \n\ndata: 2\n\n';

test('frames that arrive cut anywhere come out whole', () => {
  const bytes = encoder.encode(text);
  for (let one = 0; one <= bytes.length; one += 1) {
    for (let two = one; two <= bytes.length; two += 1) {
      let rest: Uint8Array = new Uint8Array();
      let out = '';
      for (const part of [bytes.subarray(0, one), bytes.subarray(one, two), bytes.subarray(two)]) {
        const { frames, left } = cutFrames(rest, part);
        const whole = new TextDecoder().decode(frames);
        expect(whole === '' || whole.endsWith('\n\n')).toBe(true);
        out += whole;
        rest = left;
      }
      expect([out, rest.length]).toEqual([text, 0]);
    }
  }
});

test('streams are merged frame by frame, and no faster than the reader takes them', async () => {
  const merged = createMerged();
  let pulled = 0;
  const endless = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        pulled += 1;
        controller.enqueue(encoder.encode(`data: ${pulled}\n\n`));
      },
    },
    { highWaterMark: 0 },
  );
  merged.add(endless);
  const reader = merged.stream.getReader();
  for (let count = 1; count <= 50; count += 1) {
    const { value } = await reader.read();
    expect(new TextDecoder().decode(value)).toBe(`data: ${count}\n\n`);
    expect(pulled).toBeLessThanOrEqual(count + 1);
  }
  await reader.cancel();
});

test('when one stream ends, what the others have ready is still handed over, and all end', async () => {
  const merged = createMerged();
  let isCancelled = false;
  const open = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode('data: open\n\n')),
    cancel: () => void (isCancelled = true),
  });
  const ending = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode('data: last\n\ndata: cut of'));
      controller.close();
    },
  });
  let isEnded = false;
  merged.onEnd(() => (isEnded = true));
  merged.add(open);
  merged.add(ending);
  expect(await new Response(merged.stream).text()).toBe('data: open\n\ndata: last\n\n');
  expect([isCancelled, isEnded]).toEqual([true, true]);
});

test('several streams that end with a drain give one, last, and lose nothing that stood before it', async () => {
  const merged = createMerged();
  const drain = 'event: drain\ndata: {"retryAfterMs":7}\n\n';
  const streamOf = (...chunks: readonly string[]): ReadableStream<Uint8Array> =>
    new ReadableStream({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
        controller.close();
      },
    });
  const text = new Response(merged.stream).text();
  merged.add(streamOf(`data: 1\n\n${drain}`));
  merged.add(streamOf('data: 2\n\nevent: drain\n', 'data: {"retryAfterMs":8}\n\n'));
  merged.drain(encoder.encode(drain.replace('7', '9')));
  const frames = (await text).split(/(?<=\n\n)/);
  expect(frames.filter((frame) => frame.startsWith('event: drain'))).toHaveLength(1);
  expect(frames.at(-1)).toMatch(/^event: drain/);
});

test('an event that speaks of a drain is no drain', async () => {
  const merged = createMerged();
  const frames = `id: 1\ndata: {"event: drain":1}\n\ndata: ${'x'.repeat(1000)}event: drain\n\n`;
  merged.add(
    new ReadableStream({
      start(controller) {
        controller.enqueue(encoder.encode(frames));
        controller.close();
      },
    }),
  );
  expect(await new Response(merged.stream).text()).toBe(frames);
});

test('a reader that goes away takes every stream with it, also one that is added late', async () => {
  const merged = createMerged();
  let cancelled = 0;
  const silent = (): ReadableStream<Uint8Array> => new ReadableStream({ cancel: () => void (cancelled += 1) });
  merged.add(silent());
  await merged.stream.cancel();
  merged.add(silent());
  await expect.poll(() => cancelled).toBe(2);
});
