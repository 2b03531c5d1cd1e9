// Half of the five hundred seeds of each `npm test`; `npm run sim` runs as many as one likes.
import { test } from 'vitest';
import { worldsHold } from './worlds.ts';

test('in 250 seeded worlds no event is lost, stored twice, reordered or forgotten', () => worldsHold(1, 250), 120_000);
