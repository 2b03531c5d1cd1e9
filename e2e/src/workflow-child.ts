// A process that runs one order through the workflow, and kills itself at the point that it is told: `workflow-child.ts <file> <point>`.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { defineWorkflow, workflowEvents, type Services } from '@godwit/docs/examples/durable-workflow';
import { createRuntime } from '@godwit/client/node';

const [file = '', dieAt = '0'] = process.argv.slice(2);
const ledger = `${file}.ledger`;
let points = 0;

/** Between two steps: here the process ends, as the power does, if it is told to. */
function point(): void {
  points += 1;
  if (points === Number(dieAt)) process.kill(process.pid, 'SIGKILL');
}

/** The world outside, which remembers what it has done for whom. */
function does(what: string): Services['charge'] {
  return async ({ orderId }) => {
    point();
    const line = `${what} ${orderId}\n`;
    if (!existsSync(ledger) || !readFileSync(ledger, 'utf8').includes(line)) appendFileSync(ledger, line);
    point();
  };
}

/** Whoever published the last event may have its last point still before it: closing waits for that. */
async function end(orderId: string): Promise<void> {
  await runtime.close();
  process.stdout.write(`shipped ${orderId} after ${points} points\n`);
}

const runtime = await createRuntime({ file, durability: 'os', events: workflowEvents });
const isNew = (await runtime.tasks.handlers()).length === 0;
defineWorkflow(
  {
    handle: (pattern, name, handler, options) =>
      runtime.handle(
        pattern,
        name,
        async (event, task) => {
          point();
          await handler(event, task);
          // Done, and nobody knows of it yet.
          point();
        },
        options,
      ),
  },
  { reserve: does('reserved'), charge: does('charged'), ship: does('shipped') },
);
runtime.handle('shipping.arranged', 'tell', ({ data }) => {
  setTimeout(() => void end(data.orderId), 0);
});
if (isNew) await runtime.publish('order.created', { orderId: '7', items: 1 });
