// Reads how many tests ran from a runner's JSON report.
import { readFileSync } from 'node:fs';

/** Tests that ran. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** None. */
export const noCounts: Counts = { passed: 0, failed: 0 };

/** Two counts as one. */
export function add(one: Counts, other: Counts): Counts {
  return { passed: one.passed + other.passed, failed: one.failed + other.failed };
}

/** What the report says; undefined when the runner died before it wrote one. */
export function readCounts(by: 'vitest' | 'playwright', file: string): Counts | undefined {
  let report: Record<string, unknown>;
  try {
    report = object(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
  if (by === 'vitest') return { passed: number(report['numPassedTests']), failed: number(report['numFailedTests']) };
  const stats = object(report['stats']);
  // A test that passed only when it was tried again has passed; Playwright says which, above.
  return { passed: number(stats['expected']) + number(stats['flaky']), failed: number(stats['unexpected']) };
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
