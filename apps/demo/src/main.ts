// The live board: opens a runtime, shows what comes, publishes what people write.
import { createRuntime } from '@godwit/client';
import { toFailure } from '@godwit/core';
import { startBoard } from './board/board.ts';
import { find, say } from './dom.ts';
import { events } from './events/index.ts';
import { startOfflineSwitch, startPublishing } from './panels/publish.ts';
import { startReplayPanel } from './panels/replay.ts';
import { startStatusPanel } from './panels/status.ts';
import { readSettings } from './settings.ts';

async function start(): Promise<void> {
  const settings = readSettings(new URL(location.href));
  const { relay, user, board, github } = settings;
  // A new device gets every note that the relay holds; of GitHub's stream, which may be long, what comes.
  const channels = [board, { name: github, from: 'latest' }] as const;
  const runtime = await createRuntime({ name: 'demo', user, events, relay, channels });

  const shown = startBoard(runtime, settings);
  startStatusPanel(runtime, settings);
  startPublishing(runtime, settings, shown);
  startOfflineSwitch(runtime);
  startReplayPanel(settings);
  await shown.history;
}

start().catch((error: unknown) => {
  const alert = find('alert');
  say(alert, `The board could not start: ${toFailure(error).message}`);
  say(find('connection'), 'failed');
  alert.hidden = false;
});
