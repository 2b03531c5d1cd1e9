// Runs one order through the durable workflow. The test hears of every point that it comes by, and may end the browser there.
import { createRuntime } from '@godwit/client';
import { defineWorkflow, workflowEvents, type Services } from '@godwit/docs/examples/durable-workflow';

declare global {
  /** Between two steps: answers when the page may go on. */
  var point: () => Promise<void>;
  /** The world outside, which remembers what it has done for whom. */
  var does: (what: string, orderId: string) => Promise<void>;
  var shipped: (orderId: string) => Promise<void>;
}

const runtime = await createRuntime({ name: 'workflow', events: workflowEvents });
const isNew = (await runtime.tasks.handlers()).length === 0;

function service(what: string): Services['charge'] {
  return async ({ orderId }) => {
    await globalThis.point();
    await globalThis.does(what, orderId);
    await globalThis.point();
  };
}

defineWorkflow(
  {
    handle: (pattern, name, handler, options) =>
      runtime.handle(
        pattern,
        name,
        async (event, task) => {
          await globalThis.point();
          await handler(event, task);
          // Done, and nobody knows of it yet.
          await globalThis.point();
        },
        options,
      ),
  },
  { reserve: service('reserved'), charge: service('charged'), ship: service('shipped') },
);
runtime.handle('shipping.arranged', 'tell', ({ data }) => globalThis.shipped(data.orderId));
if (isNew) await runtime.publish('order.created', { orderId: '7', items: 1 });
