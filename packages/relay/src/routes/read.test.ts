// Pages that wait, with a clock that the test moves.
import { expect, test } from 'vitest';
import { createTestApp } from './test/app.ts';

const poll = '/v1/channels/room/events?wait=30';

test('a long poll ends with its token, and brings nothing after it', async () => {
  const { world, get, publish } = createTestApp({ until: ({ now }) => now() + 10_000 });
  let answered: number | undefined;
  const answer = get(poll).then((response) => ((answered = response.status), response));
  await world.advance(9_999);
  expect(answered).toBeUndefined();
  await world.advance(1);
  expect(answered).toBe(401);
  await publish(['room']);
  expect(await (await answer).json()).toMatchObject({ name: 'Unauthenticated' });
});

test('what comes in the moment in which the token ends is not delivered either', async () => {
  const { world, get, publish } = createTestApp({ until: ({ now }) => now() + 10_000 });
  const answer = get(poll);
  await world.settle();
  // The wall clock has jumped; the timer does not know.
  world.setClock(world.now() + 10_000);
  await publish(['room']);
  expect((await answer).status).toBe(401);
});

test('news before the end of the token is delivered', async () => {
  const { world, get, publish } = createTestApp({ until: ({ now }) => now() + 10_000 });
  const answer = get(poll);
  await world.advance(9_000);
  await publish(['room']);
  expect(await (await answer).json()).toMatchObject([{ id: '1' }]);
});
