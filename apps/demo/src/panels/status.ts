// How this tab stands: who it is, whether it is heard, and where every event went.
import type { Runtime, Status } from '@godwit/core';
import { find, say } from '../dom.ts';
import type { Events } from '../events/index.ts';
import type { Settings } from '../settings.ts';

/** Shows the status, and each change of it. */
export function startStatusPanel(runtime: Runtime<Events>, settings: Settings): void {
  const show = (): void => showStatus(runtime.status.get());
  say(find('relay'), settings.relay);
  runtime.status.subscribe(show);
  show();
}

function showStatus({ role, connection, storage, deviceId, pending, counts, channels }: Status): void {
  say(find('role'), role);
  say(find('connection'), connection);
  document.documentElement.dataset['connection'] = connection;
  document.documentElement.dataset['role'] = role;

  say(find('pending'), String(pending));
  say(find('published'), String(counts.published));
  say(find('delivered'), String(counts.delivered));
  say(find('dropped'), String(Object.values(counts.dropped).reduce((sum, count) => sum + count, 0)));

  const reasons = Object.entries(counts.dropped).map(([reason, count]) => `${reason} ${count}`);
  showIf(reasons.length > 0, 'dropped-reasons', reasons.join(', '));
  showIf(counts.refused > 0, 'refused', String(counts.refused));
  const gaps = Object.entries(channels).flatMap(([name, { gaps }]) =>
    gaps.map(({ missed, reason }) => `${name}: ${missed ?? 'nobody knows how many'} (${reason})`),
  );
  showIf(gaps.length > 0, 'missed', gaps.join(', '));

  say(find('storage'), storage);
  say(find('device'), deviceId);
  say(find('since'), new Date(counts.since).toLocaleTimeString());
}

function showIf(shown: boolean, name: string, text: string): void {
  const element = find(name);
  if (element.parentElement !== null) element.parentElement.hidden = !shown;
  say(element, text);
}
