// A page that has another one prerendered, and goes there once that one runs. That one says when it was open.
import { createRuntime } from '@godwit/client';
import { defineEvents, payload } from '@godwit/core';

const target = '?prerendered';
const marks = '/v1/channels/marks/events';

function isPrerendering(): boolean {
  return 'prerendering' in document && document.prerendering === true;
}

async function beTarget(): Promise<void> {
  const before = isPrerendering();
  if (before) {
    const mark = { specversion: '1.0', id: '1', source: location.href, type: 'page.prerendering' };
    await fetch(marks, {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify(mark),
    });
  }
  const runtime = await createRuntime({
    name: 'prerender',
    events: defineEvents({ 'page.opened': payload<{ readonly before: boolean; readonly now: boolean }>() }),
    relay: location.origin,
    channels: ['pages'],
  });
  await runtime.publish('page.opened', { before, now: isPrerendering() });
}

async function goThere(): Promise<void> {
  const rules = document.createElement('script');
  rules.type = 'speculationrules';
  rules.textContent = JSON.stringify({ prerender: [{ urls: [target], eagerness: 'immediate' }] });
  document.head.append(rules);
  // The relay holds this answer back until the mark is there.
  for (;;) {
    const answer = await fetch(`${marks}?after=earliest&wait=10`, { headers: { accept: 'application/json' } });
    const page: readonly unknown[] = await answer.json();
    if (page.length > 0) break;
  }
  location.href = target;
}

await (location.search === target ? beTarget() : goThere());
