// `npm run bench -- <name>`: runs one benchmark of the project.
const benches: Readonly<Record<string, string>> = {
  dispatch: './dispatch/dispatch.ts',
  client: '../../client/bench/client/client.ts',
  store: '../../client/bench/store/store.ts',
  failover: '../../../e2e/bench/failover.ts',
  relay: '../../relay/bench/relay/relay.ts',
};

const [name = ''] = process.argv.slice(2);
const file = benches[name];
if (file === undefined) {
  process.stderr.write(`there is no benchmark called "${name}"; there is: ${Object.keys(benches).join(', ')}\n`);
  process.exitCode = 1;
} else await import(file);
