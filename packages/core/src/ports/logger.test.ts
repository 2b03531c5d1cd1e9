import { describe, expect, test } from 'vitest';
import { Failure } from '../failure.ts';
import { createTestLogger } from '../testing/logger.ts';
import { guarded } from './logger.ts';

const failure = new Failure('HandlerFailed', 'it did not land');

test('a failure that is final is logged as an error and reported; one that is tried again is a warning, and not reported', () => {
  const logger = createTestLogger();
  const reported: unknown[] = [];
  const tell = guarded({ logger, report: (...heard) => reported.push(heard) });
  tell(failure, { handler: 'send-receipt', attempt: 1 }, 'warn');
  expect(reported).toEqual([]);
  tell(failure, { handler: 'send-receipt', attempt: 5 });
  expect(logger.lines).toEqual([
    { level: 'warn', message: 'it did not land', fields: { handler: 'send-receipt', attempt: 1, failure } },
    { level: 'error', message: 'it did not land', fields: { handler: 'send-receipt', attempt: 5, failure } },
  ]);
  expect(reported).toEqual([[failure, { handler: 'send-receipt', attempt: 5 }]]);
});

test('what is told need not be a failure, nor anything that can be written', () => {
  const logger = createTestLogger();
  const tell = guarded({ logger });
  for (const thrown of [new TypeError('not a bird'), 'text', undefined, Object.create(null), Symbol('crane')]) {
    tell(thrown);
  }
  expect(logger.lines.map(({ message }) => message)).toEqual([
    'not a bird',
    'text',
    'undefined',
    'what cannot be shown',
    'Symbol(crane)',
  ]);
});

describe('harms nobody:', () => {
  const thrower = (): never => {
    throw new Error('mine alone');
  };

  test('a logger that throws, whose reporter still hears', () => {
    const reported: Failure[] = [];
    const logger = createTestLogger();
    guarded({ logger: { ...logger, error: thrower }, report: (heard) => reported.push(heard) })(failure);
    expect(reported).toEqual([failure]);
  });

  test('a reporter that throws, or rejects', async () => {
    const unhandled: unknown[] = [];
    const logger = createTestLogger();
    guarded({ logger, report: thrower })(failure);
    guarded({
      logger,
      report: async () => {
        unhandled.push('ran');
        thrower();
      },
    })(failure);
    await Promise.resolve();
    expect(unhandled).toEqual(['ran']);
    expect(logger.lines).toHaveLength(2);
  });

  test('none of either', () => {
    expect(() => guarded({})(failure)).not.toThrow();
  });
});
