// A channel is an ordered log at the relay; its name is also a path segment, a file's key and a subject.
import { Failure } from '../failure.ts';

const channelName = /^[A-Za-z0-9._~:-]{1,128}$/;

/**
 * Checks a channel's name: 1 to 128 of `A–Z a–z 0–9 . _ ~ : -`.
 *
 * @throws Failure `InvalidChannel`
 */
export function assertChannel(name: string): string {
  if (typeof name !== 'string' || !channelName.test(name)) {
    const shown = typeof name === 'string' ? JSON.stringify(name.slice(0, 160)) : String(name);
    throw new Failure('InvalidChannel', `a channel's name has 1 to 128 of A-Z a-z 0-9 . _ ~ : - ; got ${shown}`);
  }
  return name;
}

/**
 * Compiles a channel pattern as claims hold them: `*` stands for any run of characters, so `*` alone is every channel.
 *
 * @example
 * ```ts
 * compileChannelPattern('room:*')('room:42'); // true
 * ```
 */
export function compileChannelPattern(pattern: string): (channel: string) => boolean {
  const parts = pattern.split('*');
  const first = parts[0] ?? '';
  const last = parts[parts.length - 1] ?? '';
  if (parts.length === 1) return (channel) => channel === pattern;
  return (channel) => {
    if (channel.length < first.length + last.length || !channel.startsWith(first) || !channel.endsWith(last))
      return false;
    let from = first.length;
    const end = channel.length - last.length;
    for (const part of parts.slice(1, -1)) {
      const found = channel.indexOf(part, from);
      if (found < 0 || found + part.length > end) return false;
      from = found + part.length;
    }
    return true;
  };
}
