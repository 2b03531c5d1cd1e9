// `npm test`, and with `--full` `npm run test:full`.
import { closingLine, run } from './run/run.ts';
import { fullStages, testStages } from './run/stages.ts';

const stages = process.argv.includes('--full') ? fullStages() : testStages();
const { ok, counts } = await run(stages, (line) => process.stdout.write(`${line}\n`));
process.stdout.write(`\n${closingLine(counts)}\n`);
process.exitCode = ok ? 0 : 1;
