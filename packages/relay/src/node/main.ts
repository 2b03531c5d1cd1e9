// `npm run relay -- --port 8787 --data DIR --insecure`.
import { runRelayCommand } from './command.ts';

runRelayCommand(process.argv.slice(2));
