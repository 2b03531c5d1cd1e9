// The bridge, to a broker in this process.
import { aedesBroker } from './broker.ts';
import { mqttContract } from './contract.ts';

mqttContract(aedesBroker);
