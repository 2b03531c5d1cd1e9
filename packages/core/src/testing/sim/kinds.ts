// Every fault that the simulated world knows, by name: what is named can be counted, switched off and replayed.

/** What may go wrong at a call, and how often, in a world of middling temper. */
export const callFaults: Readonly<Record<CallFault, number>> = {
  // At a device's disk.
  'store.fails': 0.01,
  'store.answer-lost': 0.01,
  'store.slow': 0.02,
  'store.hangs': 0.001,
  // Between the tabs of a device.
  'tabs.message-lost': 0.02,
  'tabs.message-late': 0.05,
  'tabs.message-doubled': 0.03,
  'tabs.theft-late': 0.3,
  // Between a device and the relay.
  'link.push-cut': 0.03,
  'link.push-answer-lost': 0.05,
  'link.push-slow': 0.05,
  'link.push-doubled': 0.05,
  'link.push-hangs': 0.002,
  'link.pull-cut': 0.05,
  'link.stream-cut': 0.02,
  'link.stream-cut-within': 0.02,
  'link.stream-half-open': 0.01,
  'link.stream-slow': 0.03,
  'link.stream-stalled': 0.01,
  // At the relay's disk.
  'relay.log-fails': 0.02,
  'relay.log-answer-lost': 0.02,
  'relay.log-slow': 0.03,
  // To the tab that calls.
  'tab.killed-in-call': 0.001,
  'tab.frozen-in-call': 0.001,
  // In the application.
  'handler.throws': 0.15,
  'handler.hangs': 0.01,
  'handler.late': 0.2,
  'live.throws': 0.02,
  'live.hangs': 0.02,
};

/** What may be done to the world between two steps, and how likely beside an ordinary step, whose weights sum to 100. */
export const stepFaults: Readonly<Record<StepFault, number>> = {
  'tab.opened': 8,
  'tab.closed': 4,
  'tab.killed': 5,
  'tab.frozen': 5,
  'tab.shown': 6,
  'tab.silenced': 3,
  'lock.stolen': 2,
  'device.added': 2,
  'relay.killed': 3,
  'relay.drained': 2,
  'relay.recreated': 3,
  'relay.trimmed': 3,
  'relay.restored': 3,
  'channel.forbidden': 2,
  'stranger.came': 8,
  'stranger.cut': 3,
  'stranger.stalled': 4,
  'stranger.shouted': 6,
  'clock.skewed': 2,
  'clock.jumped': 6,
  'store.full': 2,
  'database.deleted': 1,
  'log.trimmed': 4,
  'release.changed': 4,
};

/** A fault at a call. */
export type CallFault =
  | 'store.fails'
  | 'store.answer-lost'
  | 'store.slow'
  | 'store.hangs'
  | 'tabs.message-lost'
  | 'tabs.message-late'
  | 'tabs.message-doubled'
  | 'tabs.theft-late'
  | 'link.push-cut'
  | 'link.push-answer-lost'
  | 'link.push-slow'
  | 'link.push-doubled'
  | 'link.push-hangs'
  | 'link.pull-cut'
  | 'link.stream-cut'
  | 'link.stream-cut-within'
  | 'link.stream-half-open'
  | 'link.stream-slow'
  | 'link.stream-stalled'
  | 'relay.log-fails'
  | 'relay.log-answer-lost'
  | 'relay.log-slow'
  | 'tab.killed-in-call'
  | 'tab.frozen-in-call'
  | 'handler.throws'
  | 'handler.hangs'
  | 'handler.late'
  | 'live.throws'
  | 'live.hangs';
/** A fault between two steps. */
export type StepFault =
  | 'tab.opened'
  | 'tab.closed'
  | 'tab.killed'
  | 'tab.frozen'
  | 'tab.shown'
  | 'tab.silenced'
  | 'lock.stolen'
  | 'device.added'
  | 'relay.killed'
  | 'relay.drained'
  | 'relay.recreated'
  | 'relay.trimmed'
  | 'relay.restored'
  | 'channel.forbidden'
  | 'stranger.came'
  | 'stranger.cut'
  | 'stranger.stalled'
  | 'stranger.shouted'
  | 'clock.skewed'
  | 'clock.jumped'
  | 'store.full'
  | 'database.deleted'
  | 'log.trimmed'
  | 'release.changed';
/** Any fault. */
export type FaultKind = CallFault | StepFault;

/** Every fault. */
export const faultKinds: readonly FaultKind[] = [...keysOf(callFaults), ...keysOf(stepFaults)];

/** Faults at a call. */
export const callFaultKinds: readonly CallFault[] = keysOf(callFaults);

/** Faults between two steps. */
export const stepFaultKinds: readonly StepFault[] = keysOf(stepFaults);

/** What a record literal names is all that it holds. */
function keysOf<Key extends string>(record: Readonly<Record<Key, number>>): readonly Key[] {
  return Object.keys(record) as Key[];
}

/** Tells whether something is a fault's name. */
export function isFaultKind(text: string): text is FaultKind {
  return faultKinds.some((kind) => kind === text);
}
