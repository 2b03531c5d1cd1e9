import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isFailure } from '../failure.ts';
import { attributesOf, type Remarks } from './attributes.ts';
import { decodeCloudEvent } from './cloudevent.ts';
import { entityOf } from './entity.ts';

const minimal = { specversion: '1.0', id: '1', source: '/alice', type: 'order.placed' } as const;

test('an application event has a subject, and no entity', () => {
  const event = { ...minimal, ...attributesOf({ subject: 'the shop' }) };
  expect(event.subject).toBe('the shop');
  expect(entityOf(event)).toBeUndefined();
});

test('a domain event names its entity, in its subject and by itself', () => {
  const event = { ...minimal, ...attributesOf({ entity: { name: 'order', id: '7' } }) };
  expect(event).toMatchObject({ subject: 'order/7', entityname: 'order', entityid: '7' });
  expect(entityOf(event)).toEqual({ name: 'order', id: '7' });
});

test('whatever characters a name and an id have, they come back', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (name, id) => {
      const copy: unknown = JSON.parse(JSON.stringify({ ...minimal, ...attributesOf({ entity: { name, id } }) }));
      expect(entityOf(decodeCloudEvent(copy))).toEqual({ name, id });
    }),
  );
});

test.each([
  [{ entity: { name: '', id: '7' } }, '"entityname" is a text and not empty; got ""'],
  [{ entity: { name: 'order', id: '' } }, '"entityid" is a text and not empty; got ""'],
  [{ entity: { name: 'order', id: 7 } }, '"entityid" is a text and not empty; got 7'],
  [{ entity: { name: 'order' } }, '"entityid" is a text and not empty; got null'],
  [{ entity: 'order' }, '"entityname" is a text and not empty; got null'],
  [{ subject: '' }, '"subject" is a text and not empty; got ""'],
  [{ subject: null }, '"subject" is a text and not empty; got null'],
  [{ correlationId: '' }, '"correlationid" is a text and not empty; got ""'],
  [{ causationId: {} }, '"causationid" is a text and not empty; got {}'],
  [
    { subject: 'the shop', entity: { name: 'order', id: '7' } },
    'an event has a subject or an entity; got the subject "the shop" as well',
  ],
])('%j is refused by name', (remarks, message) => {
  expect(() => attributesOf(remarks as Remarks)).toThrow(expect.objectContaining({ name: 'InvalidEvent', message }));
});

test('whatever an application says, it is refused here or taken by every relay', () => {
  const anything = fc.option(fc.oneof(fc.string(), fc.jsonValue()), { nil: undefined });
  const entity = fc.option(fc.record({ name: anything, id: anything }), { nil: undefined });
  const remarks = fc.record(
    { subject: anything, entity, correlationId: anything, causationId: anything, traceparent: anything },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(remarks, (said) => {
      let attributes: Readonly<Record<string, unknown>> | undefined;
      try {
        attributes = attributesOf(said as Remarks);
      } catch (error) {
        return isFailure(error, 'InvalidEvent');
      }
      return decodeCloudEvent(JSON.parse(JSON.stringify({ ...minimal, ...attributes }))).id === '1';
    }),
  );
});

test.each([
  [{}],
  [{ entityname: 'order' }],
  [{ entityname: '', entityid: '7' }],
  [{ entityname: 'order', entityid: 7 }],
  [{ subject: 'order/7' }],
])('a stranger’s event with %j is about no entity', (attributes) => {
  expect(entityOf(decodeCloudEvent({ ...minimal, ...attributes }))).toBeUndefined();
});
