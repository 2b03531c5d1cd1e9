// Row 51. An event that carries a job, its owner and lists of instances: an ordinary payload, typed and checked.
// Its name is in another house's style (row 89), which is a name like any other.
import { defineEvent, defineEvents } from '@godwit/core';
import * as v from 'valibot';
import { openTab } from './in-memory.ts';

/** What a job has made, and what it could not make. */
export const InstancesCreated = defineEvent('instances_created', {
  schema: v.object({
    job: v.object({ id: v.string(), startedAt: v.string() }),
    owner: v.object({ id: v.string(), email: v.string() }),
    created: v.array(v.object({ id: v.string(), region: v.string() })),
    failed: v.array(v.object({ region: v.string(), why: v.string() })),
  }),
});

/** Runs a job that makes an instance in each region. Answers what its owner is told. */
export async function instancesCreated(
  regions: readonly string[],
  make: (region: string) => Promise<string>,
): Promise<readonly string[]> {
  const told: string[] = [];
  const runtime = await openTab(defineEvents({ [InstancesCreated.name]: InstancesCreated }));
  const heard = new Promise<void>((resolve) => {
    runtime.on(InstancesCreated, ({ data: { job, owner, created, failed } }) => {
      told.push(`${owner.email}: job ${job.id} made ${created.map(({ id }) => id).join(', ')}`);
      for (const { region, why } of failed) told.push(`${owner.email}: none in ${region}: ${why}`);
      resolve();
    });
  });

  const made = await Promise.allSettled(regions.map(make));
  const all = made.map((result, index) => ({ result, region: regions[index] ?? '' }));
  await runtime.publish(InstancesCreated, {
    job: { id: 'j1', startedAt: '2026-01-01T00:00:00Z' },
    owner: { id: 'u1', email: 'alice@example.org' },
    created: all.flatMap(({ result, region }) => (result.status === 'fulfilled' ? [{ id: result.value, region }] : [])),
    failed: all.flatMap(({ result, region }) =>
      result.status === 'rejected' ? [{ region, why: String(result.reason) }] : [],
    ),
  });
  await heard;
  await runtime.close();
  return told;
}
