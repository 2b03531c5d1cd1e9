// Deliberate defects: each is a small slip of the kind that loses, doubles or reorders events. Every one must be seen: by the
// simulation, or by a test where the simulated world meets it too seldom.
// long: it is a list, and every entry of it is read by itself.

/** A defect: where it is, what stands there, and what a careless hand would have written. */
export interface Mutant {
  readonly name: string;
  /** In `packages/core/src`. */
  readonly file: string;
  readonly find: string;
  readonly put: string;
  /** The test file, in the same place, that sees what the world meets less than once in a thousand seeds. */
  readonly suite?: string;
}

/** Every defect. Each `find` stands in its file once. */
export const mutants: readonly Mutant[] = [
  {
    name: 'a publish is acknowledged though it was not stored',
    file: 'runtime/publisher.ts',
    find: 'for (const { reject } of waiting) reject(error);',
    put: "for (const { resolve } of waiting) resolve({ id: String(error), channel: 'a', position: 0 });",
  },
  {
    name: 'publishes of one tick are stored the last first',
    file: 'runtime/publisher.ts',
    find: 'waiting.map((each) => each.json).join()',
    put: 'waiting.map((each) => each.json).reverse().join()',
  },
  {
    name: 'the outbox is confirmed before it is pushed',
    file: 'sync/push.ts',
    find: '    const results = await push(batch);',
    put: '    await store.confirm({ channel, sent: batch.at(-1)?.position ?? 0, rejected: [] });\n    const results = await push(batch);',
  },
  {
    name: 'the outbox is never confirmed on disk',
    file: 'sync/push.ts',
    find: '    await store.confirm({ channel, sent: last.position, rejected });',
    put: '    void rejected;',
  },
  {
    name: 'a batch is confirmed one event too far',
    file: 'sync/push.ts',
    find: '    await store.confirm({ channel, sent: last.position, rejected });\n    sent = last.position;',
    put: '    await store.confirm({ channel, sent: last.position + 1024, rejected });\n    sent = last.position + 1024;',
  },
  {
    name: 'a batch is pushed the last event first',
    file: 'sync/push.ts',
    find: 'const cloudEvents = batch.map(({ event }) => event);',
    put: 'const cloudEvents = batch.map(({ event }) => event).reverse();',
  },
  {
    name: 'a push waits for its answer for ever',
    file: 'sync/answer.ts',
    find: 'world.after(answerMs, () => late.abort())',
    put: 'world.after(answerMs, () => undefined)',
  },
  {
    name: 'the pusher does not hear of what other tabs have stored',
    file: 'runtime/create-engine.ts',
    find: '        logGrew();\n        for (const { channel } of message.outbox) leading?.wake(channel);',
    put: '        logGrew();',
  },
  {
    name: 'the backoff is ignored',
    file: 'timing/backoff.ts',
    find: 'return Math.ceil(atLeastMs + world.random() * bound);',
    put: 'return Math.ceil((atLeastMs + world.random() * bound) * 0) + 1;',
  },
  {
    name: 'a silent stream is waited for, for ever',
    file: 'sync/pull.ts',
    find: 'return world.after(silenceMs, () => current.abort());',
    put: 'return world.after(silenceMs, () => current.signal);',
  },
  {
    name: 'a refused channel is never asked for again',
    file: 'sync/pull.ts',
    find: '      refused.delete(channel);\n      restart();',
    put: '      restart();',
  },
  {
    name: 'what was added to a page before the stream broke is kept for the next',
    file: 'sync/merge.ts',
    find: '      events = [];\n      bytes = 0;\n      last = position;\n      echo = undefined;\n      echoes',
    put: '      echoes',
  },
  {
    name: 'behind a broken stream, echoes are looked for from where the broken one ended',
    file: 'sync/merge.ts',
    find: '      echoes = createEchoes(store, channel, echoed);\n      held = undefined;\n',
    put: '      held = undefined;\n',
  },
  {
    name: 'the cursor is saved apart from the page',
    file: 'memory/store.ts',
    find: '      append([segmentOfPage(page)]);',
    put: '      if (page.events.length < 3) append([segmentOfPage(page)]);',
  },
  {
    name: 'a gap is not told',
    file: 'sync/merge.ts',
    find: 'return write({ last: textOf({ offset: behind, generation }), gap });',
    put: 'return write({ last: textOf({ offset: behind, generation }) });',
  },
  {
    name: 'the end of an epoch is not told',
    file: 'sync/merge.ts',
    find: 'await write({ last: textOf({ offset: behind, generation: generation + 1 }), gap, recheckTo });',
    put: 'await write({ last: textOf({ offset: behind, generation: generation + 1 }), recheckTo });',
  },
  {
    name: 'after an epoch change nothing is looked up',
    file: 'sync/merge.ts',
    find: '      recheckTo = openEnd;\n      held = undefined;\n',
    put: '',
  },
  {
    name: 'own events that come back are taken for others’',
    file: 'sync/merge.ts',
    find: "events.push({ event, offset, echo: kind === 'echo' });",
    put: 'events.push({ event, offset, echo: false });',
  },
  {
    name: 'a page behind a place that was merged already is merged again',
    file: 'memory/store.ts',
    find: "      if (pages.has(key)) return 'fenced';\n",
    put: '',
  },
  {
    name: 'a device that begins at the latest sends before it knows where that is',
    file: 'sync/sync.ts',
    find: 'mergers.get(channel)?.hasBegun === false',
    put: "mergers.get(channel)?.begin() === 'never'",
  },
  {
    name: 'the relay does not know duplicates',
    file: 'memory/log.ts',
    find: '  if (first !== undefined) return',
    put: '  if (first === -1) return',
  },
  {
    name: 'a reader is served from one event behind its place',
    file: 'protocol/offset.ts',
    find: '  return { after: position.sequence };',
    put: '  return { after: Math.min(head, position.sequence + 1) };',
  },
  {
    name: 'a gap counts one event too few',
    file: 'protocol/offset.ts',
    find: 'missed: beforeEarliest - position.sequence,',
    put: 'missed: beforeEarliest - position.sequence - 1,',
  },
  {
    name: 'a reader of a log that went is not told so',
    file: 'protocol/offset.ts',
    find: "    return { after: beforeEarliest, gap: { missed: null, reason: 'epoch' } };",
    put: '    return { after: beforeEarliest };',
  },
  {
    name: 'readers stay where they were when the channel begins anew',
    file: 'feed/subscription.ts',
    find: '    this.#cursor = 0;\n    this.#known = 0;\n',
    put: '',
  },
  {
    name: 'the ring is off by one at its end',
    file: 'feed/ring.ts',
    find: 'if (block === undefined || after + 1 >= block.first + block.types.length) return undefined;\n      const slice = sliceOf(block, after + 1 - block.first, upTo, wants);',
    put: 'if (block === undefined || after + 2 >= block.first + block.types.length) return undefined;\n      const slice = sliceOf(block, after + 2 - block.first, upTo, wants);',
  },
  {
    name: 'a commit answers before it is stored',
    file: 'feed/group.ts',
    find: '      const outcomes = appended.values();',
    put: '      if (events.length > 3) throw undefined;\n      const outcomes = appended.values();',
  },
  {
    name: 'a tab reads the log only once',
    file: 'runtime/reader.ts',
    find: '        if (atHead) await news.wait(signal);',
    put: '        if (atHead) await news.wait(signal);\n        if (atHead) cursor = next + 1024;',
  },
  {
    name: 'a lease is taken over without a new term',
    file: 'memory/tasks/record.ts',
    find: 'return { ...record, owner: tab, term: record.term + 1, definedAt: at };',
    put: 'return { ...record, owner: tab, definedAt: at };',
  },
  {
    name: 'a step of an old term is stored',
    file: 'memory/tasks/advance.ts',
    find: "  if (record?.term !== step.term) return 'fenced';",
    put: "  if (record === undefined) return 'fenced';",
  },
  {
    name: 'a claim uses no attempt',
    file: 'memory/tasks/advance.ts',
    find: 'attempts: row.attempts + 1 }',
    put: 'attempts: row.attempts }',
  },
  {
    name: 'an owner shows no sign of life while it works',
    file: 'durable/handler.ts',
    find: '    isBeatDue = false;\n    its.beat();',
    put: '    isBeatDue = false;',
  },
  {
    name: 'whatever rings puts the beat off',
    file: 'durable/handler.ts',
    find: '    await bell.wait(either);\n    stopTimer?.();',
    put: '    await bell.wait(either);\n    if (!isBeatDue) endBeat();\n    stopTimer?.();',
    suite: 'runtime/tasks/beat.test.ts',
  },
  {
    name: 'a tab that has lost its lease lets its handlers run on',
    file: 'durable/handler.ts',
    find: 'counts no more`,\n    );\n    await host.drop(spec.name, failureToJson(failure, { stack: false }));',
    put: 'counts no more`,\n    );\n    void failure;',
  },
  {
    name: 'a lease whose beat stands still is never taken over',
    file: 'durable/lease.ts',
    find: 'world.after(waitMs, () => over.abort())',
    put: 'world.after(waitMs * 1000, () => over.abort())',
  },
  {
    name: 'a new owner forgets what was taken from the log and had not ended',
    file: 'durable/recover.ts',
    find: '  while (now.cursor < now.claimed) {',
    put: '  while (now.cursor < 0) {',
  },
  {
    name: 'a new owner forgets the rows that ran',
    file: 'durable/recover.ts',
    find: '  for (let page = running; page.tasks.length > 0;) {',
    put: '  for (let page = running; page.tasks.length < 0;) {',
  },
  {
    name: 'the cursor moves past what is still under way',
    file: 'durable/window.ts',
    find: '    return lowest - 1;',
    put: '    return claimed;',
  },
  {
    name: 'what has ended above the cursor is forgotten',
    file: 'durable/window.ts',
    find: '      return [...ended].toSorted((a, b) => a - b);',
    put: '      return [];',
  },
  {
    name: 'a step that was stored though its answer was lost is taken for none',
    file: 'durable/owned.ts',
    find: 'return (await isStored(beat)) ? heardNothing(tasks, ended, change.held) : undefined;',
    put: 'return (await isStored(beat)) ? undefined : undefined;',
  },
  {
    name: 'what waits for a key is not let go when the task before it has ended',
    file: 'durable/steps.ts',
    find: 'unblock.add(task.key);',
    put: 'unblock.delete(task.key);',
  },
  {
    name: 'tasks of one key run side by side',
    file: 'runtime/tasks/executor.ts',
    find: 'key === null || !lane.busy.has(key)',
    put: 'key === null || lane.busy.size >= 0',
  },
  {
    name: 'a failed attempt is counted as handled',
    file: 'durable/steps.ts',
    find: '        failed += 1;\n',
    put: '        handled += 1;\n',
  },
  {
    name: 'a task whose row is gone is counted and kept',
    file: 'durable/steps.ts',
    find: '    if (task.again) remove.push(task.position);',
    put: '    if (task.again) remove.includes(task.position);',
  },
  {
    name: 'durable handlers do not hear that the log grew',
    file: 'durable/handler.ts',
    find: '      lease?.grew();\n',
    put: '',
  },
  {
    name: 'what a step blocks is taken from the log again by the next owner',
    file: 'memory/tasks/advance.ts',
    find: 'ended: withMore(step, [...queued, ...cancelled]),',
    put: 'ended: step.ended,',
  },
  {
    name: 'a clock that jumped back delays retries by as much',
    file: 'durable/due.ts',
    find: 'definedAt > now ? 0 :',
    put: 'definedAt === now - 0.5 ? 0 :',
  },
  {
    name: 'what is still to be handled is trimmed',
    file: 'memory/trim.ts',
    find: ' || lastEntry(segment) > pinned) {',
    put: ') {',
  },
  {
    name: 'what is still to be sent is trimmed',
    file: 'memory/trim.ts',
    find: 'if (isUnsent || ageMs < 0) continue;',
    put: 'if (ageMs < 0) continue;',
  },
  {
    name: 'a reader is not told that what it had not read was trimmed',
    file: 'runtime/reader.ts',
    find: 'trimmed === true ? [...gaps(), ...read] : read',
    put: 'trimmed === undefined ? read : read',
    suite: 'runtime/trimmer.test.ts',
  },
  {
    name: 'what is told only is told to the tab that tells it alone',
    file: 'runtime/create-engine.ts',
    find: "    tabs.announce({ kind: 'ephemeral', channel, outbound: standing.role === 'follower', events });\n",
    put: '',
  },
  {
    name: 'what is told only comes back from the relay, and is heard again',
    file: 'sync/sync.ts',
    find: 'event.source === source || events.ephemeral',
    put: 'event.source === undefined || events.ephemeral',
  },
  {
    name: 'a duplicate is counted as published',
    file: 'memory/log.ts',
    find: '      state.published += records.length;',
    put: '      state.published += events.length;',
  },
  {
    name: 'the lead is stolen without a new term',
    file: 'election/election.ts',
    find: 'term = Math.max(term + 1, world.now());',
    put: "if (its === 'wait') term = Math.max(term + 1, world.now());",
  },
  {
    name: 'a tab that nobody looks at steals the lead',
    file: 'election/election.ts',
    find: 'heartbeat.set(isVisible && leave',
    put: 'heartbeat.set(leave',
  },
  {
    name: 'a tab steals the lead again though no leader has answered it since',
    file: 'election/election.ts',
    find: '      if (!isAnswered) return false;\n',
    put: '',
  },
  {
    name: 'whoever was robbed of the lead goes on with the relay',
    file: 'election/election.ts',
    find: 'return lead(held, term);',
    put: 'return lead(AbortSignal.any([signal, round.signal]), term);',
  },
  {
    name: 'whoever leads answers nobody that asks',
    file: 'election/election.ts',
    find: "if (isAsk) tabs.announce({ kind: 'here', term });",
    put: '',
  },
  {
    name: 'the lead of one that is frozen is never stolen',
    file: 'election/heartbeat.ts',
    find: 'unanswered >= unansweredMax && silent()',
    put: 'unanswered < 0 && silent()',
  },
  {
    name: 'whoever leads goes on though its clock jumped',
    file: 'election/election.ts',
    find: 'watchClock(world, end)',
    put: 'watchClock(world, () => undefined)',
  },
  {
    name: 'what a leaving reader had not had yet is not counted',
    file: 'feed/subscription.ts',
    find: "    this.#drop('detached', this.pending);\n",
    put: '',
  },
  {
    name: 'what a reader is handed from the log is not counted as delivered',
    file: 'feed/subscription.ts',
    find: 'this.#take(last, wanted.length, due.length - wanted.length,',
    put: 'this.#take(last, 0, due.length - wanted.length,',
  },
  {
    name: 'whoever takes the lead does not tell of what the one before stored and could not tell',
    file: 'runtime/leading.ts',
    find: '      parts.grew();\n',
    put: '',
    suite: 'runtime/synced.test.ts',
  },
  {
    name: 'a stream goes on behind the end of its token',
    file: 'feed/subscribers.ts',
    find: '        if (until <= now) subscription.drain(',
    put: '        if (until < 0) subscription.drain(',
  },
  {
    name: 'readers of a relay that drains are cut off without a word',
    file: 'feed/feed.ts',
    find: '      subscribers.drain(wholeMs);',
    put: '      subscribers.end();',
  },
  {
    name: 'whoever has two connections is gone with the first of them',
    file: 'feed/presence.ts',
    find: '        if (member.connections > 0) return;\n',
    put: '',
  },
  {
    name: 'who is gone is present for ever',
    file: 'feed/presence.ts',
    find: 'else member.stopLeaving = world.after(lifetimeMs, leave);',
    put: 'else member.stopLeaving = undefined;',
  },
  {
    name: 'a slow reader is not told what it was too slow for',
    file: 'feed/subscription.ts',
    find: "    this.#drop('overflow', 1);\n    this.#isDropUntold = true;",
    put: "    this.#drop('overflow', 1);",
  },
  {
    name: 'what is superseded is kept',
    file: 'feed/subscription.ts',
    find: '    waiting.splice(at, 1);\n',
    put: '',
    suite: 'feed/ephemeral.test.ts',
  },
  {
    name: 'a reader behind the ring is not told what retention took',
    file: 'feed/subscription.ts',
    find: '      this.#gap = gap;\n      return;',
    put: '      return;',
  },
  {
    name: 'a channel grows beyond its number of events',
    file: 'protocol/retention.ts',
    find: 'eventsMax: retentionEvents };',
    put: 'eventsMax: retentionEvents * 100 };',
  },
  {
    name: 'whose filter passes everything by is not told how far that was',
    file: 'feed/subscription.ts',
    find: '    if (bytes === undefined) return;\n    this.#known = lastSent;',
    put: '    this.#known = lastSent;\n    if (bytes === undefined) return;',
  },
];
