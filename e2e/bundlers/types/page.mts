// What a page's own code looks like to TypeScript.
import { createRuntime } from '@godwit/client';
import { defineEvents, payload } from '@godwit/core';

const events = defineEvents({ 'greeting.sent': payload<{ readonly text: string }>() });

await using runtime = await createRuntime({ name: 'types', events });
using _heard = runtime.on('greeting.sent', ({ data }) => console.log(data.text));
await runtime.publish('greeting.sent', { text: 'hello' });
// @ts-expect-error -- a greeting has a text
await runtime.publish('greeting.sent', {});
