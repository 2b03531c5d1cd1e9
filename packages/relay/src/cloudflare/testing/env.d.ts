// The bindings of the tests' Worker, as its wrangler.jsonc lists them.
declare namespace Cloudflare {
  interface Env {
    readonly CHANNELS: DurableObjectNamespace<import('../channel-object.ts').ChannelObject>;
    readonly LOGS: DurableObjectNamespace<import('./worker.ts').LogObject>;
    readonly GODWIT_INSECURE: string;
  }
}
