import { relayContract } from '../src/testing/index.ts';
import { start } from './relay.ts';

relayContract('on Node', start);
