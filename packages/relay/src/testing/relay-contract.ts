// PROTOCOL.md as tests: one per numbered rule, run against a real relay on each platform, with nothing but fetch.
import { describe } from 'vitest';
import { authorityRules } from './authority-rules.ts';
import { filterRules } from './filter-rules.ts';
import { keyRules } from './key-rules.ts';
import { failureRules } from './failure-rules.ts';
import { limitRules } from './limit-rules.ts';
import { manyRules } from './many-rules.ts';
import { numberRules } from './number-rules.ts';
import { operatingRules } from './operating-rules.ts';
import { pageRules } from './page-rules.ts';
import { presenceRules } from './presence-rules.ts';
import { publishRules } from './publish-rules.ts';
import { socketRules } from './socket-rules.ts';
import { streamRules } from './stream-rules.ts';
import { webhookRules } from './webhook-rules.ts';
import type { RelayStart, RelayUnderTest } from './world.ts';

/** Every rule of PROTOCOL.md. `start` is called once per test; relays of several tests may share what they store. */
export function relayContract(name: string, start: (options?: RelayStart) => Promise<RelayUnderTest>): void {
  describe(`the relay ${name}`, () => {
    publishRules(start);
    numberRules(start);
    streamRules(start);
    manyRules(start);
    pageRules(start);
    filterRules(start);
    presenceRules(start);
    socketRules(start);
    operatingRules(start);
    failureRules(start);
    authorityRules(start);
    keyRules(start);
    limitRules(start);
    webhookRules(start);
  });
}
