import { expect, test } from 'vitest';
import { readBody } from './body.ts';

test('1.7 a body that breaks off is an event that is not whole', async () => {
  const chunks = [new TextEncoder().encode('{"spec')];
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk === undefined) controller.error(new Error('aborted'));
      else controller.enqueue(chunk);
    },
  });
  const request = new Request('http://relay.example/', { method: 'POST', body, duplex: 'half' });
  await expect(readBody(request, 1000)).rejects.toMatchObject({
    name: 'InvalidEvent',
    message: 'the body broke off after 6 bytes: aborted',
  });
});
