import { expect, test } from 'vitest';
import { attributesOf } from './attributes.ts';
import { causedBy } from './causation.ts';

test('all events of one story share the id of its first, and each names the one that caused it', () => {
  const placed = { id: '1' };
  const paid = { id: '2', ...attributesOf(causedBy(placed)) };
  const sent = { id: '3', ...attributesOf(causedBy(paid)) };
  expect(paid).toMatchObject({ correlationid: '1', causationid: '1' });
  expect(sent).toMatchObject({ correlationid: '1', causationid: '2' });
});

test('a story that was begun elsewhere keeps its id', () => {
  expect(causedBy({ id: '2', correlationid: 'request-9' })).toEqual({ correlationId: 'request-9', causationId: '2' });
});

test('a stranger’s correlation id that is empty is none, and one that is a number is taken as text', () => {
  expect(causedBy({ id: '2', correlationid: '' })).toEqual({ correlationId: '2', causationId: '2' });
  expect(causedBy({ id: '2', correlationid: 9 })).toEqual({ correlationId: '9', causationId: '2' });
});
