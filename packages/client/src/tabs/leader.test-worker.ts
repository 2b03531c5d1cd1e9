// For the tests of tabs: leads until it is terminated, answers every `pause` with its opposite, and hangs when it is told to.
import { openTabs } from './tabs.ts';

const tabs = openTabs({ name: self.name, platform: globalThis });
tabs.hear((message) => {
  if (message.kind === 'pause') tabs.announce({ kind: 'pause', paused: !message.paused });
});
void tabs.lead(() => {
  globalThis.postMessage('leads');
  return new Promise(() => undefined);
}, new AbortController().signal);
globalThis.addEventListener('message', () => {
  globalThis.postMessage('hangs');
  for (;;);
});
