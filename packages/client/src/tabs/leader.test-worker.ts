// For the tests of tabs: leads until it is terminated, and answers every `pause` with its opposite.
import { openTabs } from './tabs.ts';

const tabs = openTabs({ name: self.name, platform: globalThis });
tabs.hear((message) => {
  if (message.kind === 'pause') tabs.announce({ kind: 'pause', paused: !message.paused });
});
void tabs.lead(() => {
  globalThis.postMessage('leads');
  return new Promise(() => undefined);
}, new AbortController().signal);
