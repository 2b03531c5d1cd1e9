// Delivers: one attempt of one event to one receiver, and what its answer means.
import {
  Failure,
  failureToJson,
  toFailure,
  type Task,
  type TaskEnd,
  type TaskHost,
  type TaskOutcome,
  type World,
} from '@godwit/core';
import { waitBehind } from './schedule.ts';
import { signedHeaders } from './sign.ts';
import type { Receipt, Send, WebhookRecord } from './types.ts';

/** A receiver that takes longer has failed: the specification of Standard Webhooks recommends 15 to 30 s. */
const answerMsMax = 15_000;
/** Beyond, what fails for good is counted, and not kept: a receiver that is broken for weeks is not to fill the disk. */
const deadMax = 10_000;

/** The deliveries of one webhook. */
export interface Courier extends TaskHost {
  /** How many are under way. */
  readonly inFlight: number;
}

/** Makes it. */
export function createCourier(parts: {
  readonly record: () => WebhookRecord;
  readonly send: Send;
  readonly world: World;
  /** How many dead letters there are. */
  readonly deadRows: () => number;
  readonly settle: (outcomes: readonly TaskOutcome[]) => void;
  /** Its receiver wants nothing any more. */
  readonly gone: () => void;
}): Courier {
  const { record, send, world, deadRows, settle, gone } = parts;
  const running = new Map<Task, AbortController>();

  const interrupt = (why: unknown): void => {
    for (const abort of running.values()) abort.abort(why);
  };
  return {
    get inFlight() {
      return running.size;
    },
    run(_, tasks) {
      for (const task of tasks) void attempt(task);
    },
    drop: (_, failure) => interrupt(failure),
    finish(_, graceMs) {
      // What runs gets its time; then it is interrupted, and returned without an attempt used.
      world.after(graceMs, () => interrupt(new Failure('Closed', 'the relay has ended')));
    },
    keys: (_, events) => events.map(() => null),
    alive: () => undefined,
  };

  async function attempt(task: Task): Promise<void> {
    const abort = new AbortController();
    running.set(task, abort);
    const stopTimer = world.after(answerMsMax, () => {
      abort.abort(new Failure('TimedOut', `no answer within ${answerMsMax / 1000} s`));
    });
    const { handler, term, position } = task;
    const end = await deliver(task, abort.signal);
    stopTimer();
    running.delete(task);
    settle([{ handler, term, position, ...end }]);
  }

  async function deliver(task: Task, signal: AbortSignal): Promise<TaskEnd> {
    try {
      const its = record();
      const body = JSON.stringify(task.event);
      const headers = signedHeaders(its, { id: messageId(its.channel, task), body }, world);
      const receipt = await send({ url: its.url, headers, body, signal });
      if (receipt.status >= 200 && receipt.status < 300) return { kind: 'handled' };
      if (receipt.status === 410) {
        gone();
        return { kind: 'returned' };
      }
      return failed(task, new Failure('HandlerFailed', sentenceOf(receipt)), receipt);
    } catch (error) {
      const why: unknown = signal.reason;
      if (why instanceof Failure && why.name === 'Closed') return { kind: 'returned' };
      return failed(task, why instanceof Failure ? why : toFailure(error, 'Unreachable'));
    }
  }

  function failed(task: Task, error: Failure, receipt?: Receipt): TaskEnd {
    const failure = failureToJson(error, { stack: false });
    const afterMs = waitBehind(task.attempt, receipt, world);
    return afterMs === null && deadRows() >= deadMax
      ? { kind: 'skipped', failure }
      : { kind: 'failed', failure, afterMs };
  }
}

/**
 * The same at every attempt, and of no other event: an offset is that within its channel, and one receiver may be sent the events of
 * several. The specification wants no dot in an id, and a channel's name may have some: it has no percent sign.
 */
function messageId(channel: string, { offset, event }: Task): string {
  return `msg_${(offset ?? event.id).replaceAll('.', '_')}_${channel.replaceAll('.', '%2E')}`;
}

function sentenceOf({ status }: Receipt): string {
  const isRedirect = status >= 300 && status < 400;
  return `the receiver answered ${status}${isRedirect ? ', a redirect, which is not followed; register where it leads' : ''}`;
}
