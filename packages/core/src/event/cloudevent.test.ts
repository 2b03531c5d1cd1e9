import { expect, test } from 'vitest';
import { decodeCloudEvent, identityOf } from './cloudevent.ts';

const minimal = { specversion: '1.0', id: '1', source: '/alice', type: 'todo.added' };

test('the four required attributes are enough', () => {
  expect(decodeCloudEvent(minimal)).toEqual(minimal);
});

test('unknown extensions are kept, attributes that are null are unset', () => {
  expect(decodeCloudEvent({ ...minimal, partitionkey: 'k', retries: 3, urgent: true, subject: null })).toEqual({
    ...minimal,
    partitionkey: 'k',
    retries: 3,
    urgent: true,
  });
});

test.each([
  [null, 'expected a CloudEvent object, got null'],
  [[], 'expected a CloudEvent object, got an array'],
  ['{}', 'expected a CloudEvent object, got a string'],
  [{}, 'attribute "specversion" is missing'],
  [{ ...minimal, specversion: '0.3' }, 'attribute "specversion": expected "1.0", got "0.3"'],
  [{ ...minimal, id: '' }, 'attribute "id" is empty'],
  [{ ...minimal, id: 7 }, 'attribute "id": expected a string, got a number'],
  [{ specversion: '1.0', id: '1', type: 'a.b' }, 'attribute "source" is missing'],
  [{ ...minimal, type: '' }, 'attribute "type" is empty'],
  [{ ...minimal, time: 'yesterday' }, 'attribute "time": expected an RFC 3339 timestamp, got "yesterday"'],
  [{ ...minimal, time: '2026-13-45T00:00:00Z' }, 'attribute "time"'],
  [{ ...minimal, ephemeral: 'yes' }, 'attribute "ephemeral": expected a boolean'],
  [{ ...minimal, Bad_Name: 1 }, 'attribute "Bad_Name": names have only lower-case letters and digits'],
  [{ ...minimal, nested: {} }, 'attribute "nested": expected a string, a number or a boolean, got an object'],
  [{ ...minimal, data: 1, data_base64: 'AA==' }, 'both "data" and "data_base64"'],
  [JSON.parse('{"specversion":"1.0","id":"1","source":"/a","type":"t","__proto__":{"x":1}}'), 'attribute "__proto__"'],
])('%j is refused: %s', (value, message) => {
  expect(() => decodeCloudEvent(value)).toThrow(
    expect.objectContaining({ name: 'InvalidEvent', message: expect.stringContaining(message) }),
  );
});

test('a member of a batch is named by its place', () => {
  expect(() => decodeCloudEvent({}, '[3]')).toThrow('event [3]: attribute "specversion" is missing');
});

test('no two identities are the same string, however they are cut', () => {
  expect(identityOf({ source: 'a', id: 'bc' })).not.toBe(identityOf({ source: 'ab', id: 'c' }));
  expect(identityOf({ source: '1:a', id: 'b' })).not.toBe(identityOf({ source: '1', id: ':ab' }));
});
