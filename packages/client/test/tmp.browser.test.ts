import { flowEvents } from '@godwit/core/testing';
import { commands } from 'vitest/browser';
import { test } from 'vitest';
import { createRuntime } from '../src/index.ts';
test('x', async () => {
  const relay = await commands.openRelay();
  const a = await createRuntime({ name: crypto.randomUUID(), user: 'a', events: flowEvents, relay, channels: ['board'], report: (f) => console.log('report', f.name, f.message) });
  const log: string[] = [];
  const t0 = performance.now();
  const say = () => { const { role, connection, pending, counts } = a.status.get(); log.push(`${Math.round(performance.now() - t0)} ${role} ${connection} ${pending} ${counts.published}`); };
  a.status.subscribe(say); say();
  await new Promise((r) => setTimeout(r, 1500)); log.push('publish');
  await a.publish('todo.done', { n: 1 }); log.push('published'); say();
  await new Promise((r) => setTimeout(r, 3000)); say();
  console.log(log.join('\n'));
  await a.close(); await commands.killRelay(relay);
});
