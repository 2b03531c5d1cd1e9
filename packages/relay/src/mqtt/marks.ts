// Two attributes that keep an event from going round: which relay has published it, and at which topic it has come.

/** On what is published: the client that did. It takes in nothing with its own mark. */
const publishedBy = 'mqttclient';

/** On what is appended: the topic at which it came. Nothing with it is published. */
export const takenAt = 'mqtttopic';

/** The mark on what this client publishes. */
export function markOf(clientId: string): Readonly<Record<string, string>> {
  return { [publishedBy]: clientId };
}

/** Whether this client has published it. */
export function isOwn(event: Readonly<Record<string, unknown>>, clientId: string): boolean {
  return event[publishedBy] === clientId;
}
