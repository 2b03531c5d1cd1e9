// MQTT's topics and the filters over them (MQTT 3.1.1, section 4.7).
import { Failure, utf8Length } from '@godwit/core';

/** A topic's length stands in two bytes. */
const topicBytesMax = 65_535;

/**
 * Checks a topic to publish to.
 *
 * @throws Failure `InvalidOptions`
 */
export function assertTopic(topic: string): void {
  const isTopic = isText(topic) && !/[+#]/.test(topic) && !topic.startsWith('$');
  if (!isTopic) throw invalid(`${shown(topic)} is no topic to publish to: no + and #, and no $ at its beginning`);
}

/**
 * Checks a filter to subscribe to.
 *
 * @throws Failure `InvalidOptions`
 */
export function assertFilter(filter: string): void {
  const levels = filter.split('/');
  const isFilter =
    isText(filter) &&
    !filter.startsWith('$') &&
    levels.every((level, at) => level === '+' || (level === '#' && at === levels.length - 1) || !/[+#]/.test(level));
  if (isFilter) return;
  throw invalid(`${shown(filter)} is no filter over topics: + is a whole level, # all that follow, and $ begins none`);
}

/** Whether a filter matches a topic: `+` is one level, `#` at the end any number of them, also none. */
export function matchesTopic(filter: string, topic: string): boolean {
  const [wanted, levels] = [filter.split('/'), topic.split('/')];
  for (const [at, want] of wanted.entries()) {
    if (want === '#') return true;
    if (at >= levels.length || (want !== '+' && want !== levels[at])) return false;
  }
  return wanted.length === levels.length;
}

function isText(topic: string): boolean {
  return topic !== '' && !topic.includes('\0') && utf8Length(topic) <= topicBytesMax;
}

function shown(topic: string): string {
  return JSON.stringify(topic.slice(0, 80));
}

function invalid(message: string): Failure {
  return new Failure('InvalidOptions', message);
}
