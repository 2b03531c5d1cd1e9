// The systemd unit, as systemd itself reads it. `npm run test:full` installs it where it is missing.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('systemd finds nothing wrong with the unit', () => {
  const unit = join(import.meta.dirname, '../deploy/godwit-relay.service');
  const { status, stderr, error } = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' });
  // Of other units of the machine it may complain, too.
  const ours = stderr.split('\n').filter((line) => line.includes('godwit-relay'));
  expect([error, ours, status]).toEqual([undefined, [], 0]);
});
