import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CloudEvent } from '../event/cloudevent.ts';
import { decodeSegment, encodeRecord, encodeSegment, escapeText } from './record.ts';

const event: CloudEvent = { specversion: '1.0', id: '7', source: '/shop', type: 'order.placed', data: { total: 12 } };
/** Any text, lone surrogates and line breaks too. */
const text = fc.string({ unit: 'binary' });

test('a record is the event as JSON, with its channel and its place in it', () => {
  expect(JSON.parse(encodeRecord(event, 'orders', 3).json)).toEqual({
    ...event,
    channel: 'orders',
    sequence: '0000000000000003',
  });
});

test.each([
  ['a channel', { channel: 'invoices' }],
  ['a sequence', { sequence: '9' }],
])('a record has its own channel and place where the event brings %s', (_, brought) => {
  const { json } = encodeRecord({ ...event, ...brought }, 'orders', 3);
  expect(json.match(/"(channel|sequence)":"[^"]*"/g)?.toSorted()).toEqual([
    '"channel":"orders"',
    '"sequence":"0000000000000003"',
  ]);
});

test('a record is one line that reads back as the same event, whatever is in it', () => {
  fc.assert(
    fc.property(text, text, text, fc.jsonValue(), (id, source, channel, data) => {
      const { json } = encodeRecord({ ...event, id, source, data }, channel, 1);
      expect(json).not.toContain('\n');
      expect(JSON.parse(json)).toEqual(
        JSON.parse(JSON.stringify({ ...event, id, source, data, channel, sequence: '0000000000000001' })),
      );
    }),
  );
});

test('a run of records reads back as it was, whatever their types are', () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1 }), (types) => {
      const records = types.map((type, index) => encodeRecord({ ...event, type }, 'orders', index + 1));
      expect(decodeSegment(encodeSegment(records), 1)).toEqual(records);
    }),
  );
});

test('no two texts are alike once they are escaped, and each is one line of what UTF-8 can write', () => {
  fc.assert(
    fc.property(text, text, (one, other) => {
      expect(escapeText(one) === escapeText(other)).toBe(one === other);
      expect(escapeText(one).isWellFormed()).toBe(true);
      expect(escapeText(one)).not.toMatch(/[\n\r]/);
    }),
  );
});
