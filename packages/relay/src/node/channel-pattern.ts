// A channel pattern as the command line takes it.

/** Of a channel's letters and `*`: any other would match no channel. */
const letters = /^[A-Za-z0-9._~:*-]+$/;

/** Whether it can match a channel. */
export function isChannelPattern(text: string): boolean {
  return letters.test(text);
}
