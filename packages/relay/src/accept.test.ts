import { expect, test } from 'vitest';
import { chooseOffer } from './accept.ts';

const [json, batch, stream] = ['application/json', 'application/cloudevents-batch+json', 'text/event-stream'];

test.each([
  [null, json],
  ['', json],
  ['*/*', json],
  ['application/*', json],
  ['text/*', stream],
  [stream, stream],
  [`${batch}, ${json}`, batch],
  [`${json};q=0.5, ${batch}`, batch],
  [`${stream}, */*`, stream],
  [`${stream};q=0.1, */*;q=0.2`, json],
  [`${json};charset=utf-8`, json],
  [' text/EVENT-stream ; Q=1 ', stream],
])('%j is answered with %s', (accept, offer) => {
  expect(chooseOffer(accept)).toBe(offer);
});

test.each(['text/html', 'application/xml', '*/*;q=0', `${json};q=0`, ',', 'nonsense', `${stream};q=x`])(
  '%j is not acceptable',
  (accept) => {
    expect(() => chooseOffer(accept)).toThrow(expect.objectContaining({ name: 'NotAcceptable' }));
  },
);
