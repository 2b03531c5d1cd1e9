// What people publish by hand.
import * as v from 'valibot';
import type { Telling } from './telling.ts';

/** The longest note: a board is read at a glance. */
const noteLettersMax = 280;

/** A note on the board. A publisher hands in its author and text; a handler gets a sentence. */
export const note = v.pipe(
  v.object({
    author: v.pipe(v.string(), v.trim(), v.nonEmpty('a note needs an author')),
    text: v.pipe(
      v.string(),
      v.trim(),
      v.nonEmpty('a note needs a text'),
      v.maxLength(noteLettersMax, `a note has at most ${noteLettersMax} letters`),
    ),
  }),
  v.transform(({ author, text }): Telling => ({ who: author, did: 'noted', what: text, where: '' })),
);
