// The relay behind Caddy, as deploy/Caddyfile puts it there. `npm run test:full` installs it where it is missing.
import { proxyContract } from './contract.ts';
import { caddy } from './proxy.ts';

proxyContract('Caddy', caddy);
