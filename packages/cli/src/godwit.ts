#!/usr/bin/env node
// `godwit relay …` serves; `godwit token`, `godwit relay backup` and `godwit relay restore` are what one needs beside it.
import { runRelayCommand } from '@godwit/relay/node';

const usage = `godwit: an event runtime for the browser and the edge
  godwit relay             runs a relay; --help lists its options
  godwit relay backup      copies all that a relay holds, while it runs
  godwit relay restore     puts such a copy in place
  godwit token             mints a token for development
`;

const [command, ...rest] = process.argv.slice(2);
if (command === 'relay') runRelayCommand(rest);
else if (command === 'token') runRelayCommand(['token', ...rest]);
else if (command === undefined || command === '--help' || command === '-h') process.stdout.write(usage);
else {
  process.stderr.write(`godwit does not know ${command}\n${usage}`);
  process.exitCode = 1;
}
