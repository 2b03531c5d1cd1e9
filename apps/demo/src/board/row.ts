// One event as a row.
import type { Telling } from '../events/telling.ts';
import { one } from '../dom.ts';

/** What a row shows. */
export interface Shown {
  readonly id: string;
  readonly type: string;
  /** RFC 3339. */
  readonly time: string | undefined;
  readonly telling: Telling;
  /** The relay's offset; null while the relay has not confirmed it. */
  readonly offset: string | null;
  /** The number in the offset, zero-padded. */
  readonly sequence: string | undefined;
}

/** A sign for each kind of webhook. */
const signs: Readonly<Record<string, string>> = {
  issues: '◎',
  issue_comment: '❝',
  pull_request: '⇄',
  pull_request_review: '✎',
  push: '↑',
  release: '◆',
  workflow_run: '▶',
  check_run: '✓',
  discussion: '☰',
  star: '★',
  fork: 'Ψ',
  create: '+',
};

/** Makes the row. */
export function makeRow({ id, type, time, telling, offset, sequence }: Shown): HTMLElement {
  const template = one('#row');
  if (!(template instanceof HTMLTemplateElement)) throw new TypeError('#row is no template');
  const row = one('.row', document.importNode(template.content, true));
  row.dataset['id'] = id;
  row.dataset['type'] = type;
  if (offset === null) row.dataset['pending'] = '';
  else row.dataset['offset'] = offset;

  const badge = one('.badge', row);
  // By hand: who it was. From GitHub: what kind of thing it was, since its examples are mostly of one person.
  const kind = type.startsWith('github.') ? (type.split('.')[1] ?? '') : undefined;
  badge.textContent = kind === undefined ? initials(telling.who) : (signs[kind] ?? '·');
  badge.style.setProperty('--hue', String(hue(kind ?? telling.who)));
  one('.who', row).textContent = telling.who;
  one('.did', row).textContent = telling.did;
  one('.what', row).textContent = telling.what;
  one('.where', row).textContent = telling.where;
  const moment = one('time', row);
  if (time !== undefined) {
    moment.setAttribute('datetime', time);
    moment.textContent = momentOf(new Date(time));
  }
  const place = one('.place', row);
  place.textContent = sequence === undefined ? 'on disk' : `#${sequence.replace(/^0+(?=\d)/, '')}`;
  place.title = offset ?? 'stored on this device; the relay has not confirmed it yet';
  return row;
}

/** Says in the row of an own note that nobody else will see it, and why. */
export function refuseRow(row: HTMLElement, why: string): void {
  row.dataset['refused'] = '';
  one('.why', row).textContent = why;
  const place = one('.place', row);
  place.textContent = 'refused';
  place.title = 'the relay does not take it; nobody else sees it';
}

/** The time, and the day where it is another than today: a device holds a week of events. */
function momentOf(date: Date): string {
  const time = date.toLocaleTimeString();
  return date.toDateString() === new Date().toDateString() ? time : `${date.toLocaleDateString()}, ${time}`;
}

function initials(who: string): string {
  const letters = who.match(/\p{Lu}|(?<!\p{L})\p{L}/gu) ?? [];
  return (letters.length === 0 ? who.slice(0, 1) : letters.slice(0, 2).join('')).toUpperCase();
}

/** The same name has the same colour in every tab; steps of the golden angle keep neighbours apart. */
function hue(name: string): number {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 1009;
  return Math.round((sum * 137.5) % 360);
}
