// The slider of GitHub's events.
import examples from 'virtual:github-examples';
import { find, findInput, say } from '../dom.ts';
import { startReplay } from '../replay.ts';
import type { Settings } from '../settings.ts';

/** Makes the slider work. */
export function startReplayPanel(settings: Settings): void {
  const slider = findInput('rate');
  const hint = find('replay-hint');
  const value = find('rate-value');
  const replay = startReplay({
    relay: settings.relay,
    channel: settings.github,
    examples,
    hear: ({ posted, trouble }) => say(hint, trouble ?? `${posted} of GitHub’s example webhooks posted by this page.`),
  });

  const follow = (): void => {
    say(value, slider.value);
    replay.setRate(slider.valueAsNumber);
  };
  slider.value = String(settings.rate);
  slider.addEventListener('input', follow);
  follow();
  slider.disabled = false;
}
