// Every event that the board knows, by name.
import { defineEvents } from '@godwit/core';
import { note } from './board.ts';
import { schemasOf } from './family.ts';
import { families } from './github.ts';

const [
  issues,
  comments,
  pullRequests,
  reviews,
  pushes,
  releases,
  workflows,
  checks,
  discussions,
  stars,
  forks,
  created,
] = families;

/** What the demo's runtime is made with. */
export const events = defineEvents({
  'note.written': note,
  ...schemasOf(issues),
  ...schemasOf(comments),
  ...schemasOf(pullRequests),
  ...schemasOf(reviews),
  ...schemasOf(pushes),
  ...schemasOf(releases),
  ...schemasOf(workflows),
  ...schemasOf(checks),
  ...schemasOf(discussions),
  ...schemasOf(stars),
  ...schemasOf(forks),
  ...schemasOf(created),
});

/** Their type. */
export type Events = typeof events;
