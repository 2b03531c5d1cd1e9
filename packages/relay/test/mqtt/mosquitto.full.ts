// The bridge, to a broker that others run: Debian's mosquitto. `npm run test:full` installs it where it is missing.
import { mosquittoBroker } from './broker.ts';
import { mqttContract } from './contract.ts';

mqttContract(mosquittoBroker);
