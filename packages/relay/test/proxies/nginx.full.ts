// The relay behind nginx, as deploy/nginx.conf puts it there. `npm run test:full` installs it where it is missing.
import { proxyContract } from './contract.ts';
import { nginx } from './proxy.ts';

proxyContract('nginx', nginx);
