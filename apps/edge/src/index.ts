// The relay on Cloudflare Workers: all there is to deploy.
import { createWorker } from '@godwit/relay/cloudflare';

export { ChannelObject } from '@godwit/relay/cloudflare';

export default createWorker();
