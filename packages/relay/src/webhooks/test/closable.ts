// For tests: a relay's tables as the contract of durable handlers wants a device's store, which closes and is destroyed.
import type { DeviceStore, Store, TaskStore } from '@godwit/core';

/** A device's store closes; a relay's tables end with the relay. What is asked of a closed log says so, and nothing is done. */
export function closable(log: Store, tasks: TaskStore): DeviceStore {
  const check = (): Promise<unknown> => log.state();
  return {
    ...log,
    handlers: () => check().then(tasks.handlers),
    lease: (request) => check().then(() => tasks.lease(request)),
    advance: (step) => check().then(() => tasks.advance(step)),
    tasks: (query, page) => check().then(() => tasks.tasks(query, page)),
    change: (query, change, page) => check().then(() => tasks.change(query, change, page)),
    cancelAhead: (row) => check().then(() => tasks.cancelAhead(row)),
    forget: (handler) => check().then(() => tasks.forget(handler)),
    async destroy() {
      for (const { name } of await tasks.handlers()) {
        const record = await tasks.lease({ handler: name, tab: 'nobody', at: 0 });
        if (record?.owner !== null && record !== null) await release(tasks, record.name, record.term);
        await tasks.forget(name);
      }
      await log.destroy();
    },
  };
}

async function release(tasks: TaskStore, handler: string, term: number): Promise<void> {
  const none = { put: [], remove: [], unblock: [], queue: [], ended: [], claim: 0 };
  const totals = { passed: 0, handled: 0, failed: 0, dropped: {} };
  await tasks.advance({ handler, term, at: 0, cursor: 0, claimed: 0, ...none, totals, release: true });
}
