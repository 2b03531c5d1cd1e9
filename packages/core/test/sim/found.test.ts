// Seeds whose worlds once showed a defect, by what they showed. A world changes as faults and checks come to it, and with it what a
// seed meets: so beside each defect stands a test of its own, where it was mended.
import { expect, test } from 'vitest';
import { simulate } from '../../src/testing/sim/index.ts';

test.each([
  [369, 'who came late may meet in a backup what it had not read before it'],
  [433, 'a removal that a killed relay had begun takes no channel from the relay that runs next'],
  [2406, 'a leader whose disk does not say what waits asks it again'],
  [3256, 'a relay does not keep a log that another relay has removed'],
  [3590, 'whoever asks a relay that is killed before it answers asks again'],
  [4685, 'a tab whose claim was cancelled ahead says that it is done with it'],
  [5246, 'of a gap, what a filter had passed by before is not missed'],
  [6071, 'whoever thaws, robbed of the lead, sends no ephemeral event any more'],
  [9057, 'whoever closes sends no ephemeral event any more'],
  [24_642, 'a tab that is mute for longer than it takes to be well again is robbed'],
  [24_646, 'what was trimmed behind something that is still to be sent is part of the gap that was told'],
  [29_993, 'what a leader stored, and died before it said so, the next one looks for'],
  [71_755, 'what a tab stored before it hung in that very call waits for the next news'],
  [75_514, 'what was kept though its answer was lost is handled at once'],
  [82_484, 'what is cancelled ahead a second time, behind events that were given back, is counted once'],
  [102_279, 'of a channel that is made anew twice while a reader takes nothing, all is counted'],
  [111_057, 'what a tab had stored when it froze is counted once by the tab that thaws'],
  [115_593, "what the leader's news has counted is counted once by a tab that is told of it late"],
  [121_416, 'of messages that come doubled and late, what waits is right once the leader has counted'],
  [
    131_356,
    'whoever was not told of an event, since the tab that stored it was mute, may lose its handlers to one that looked',
  ],
])('seed %i: %s', async (seed) => {
  expect(await simulate(seed)).toMatchObject({ violation: undefined });
});
