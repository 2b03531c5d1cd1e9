// Webhooks in a channel's object, beside its log: tables that are made with the first webhook.
import { Failure, isFailure } from '@godwit/core';
import { webhookSchema, webhookTablesIn, type Row, type SqlValue, type WebhookTables } from '../../webhooks/tables.ts';
import type { LogStorage } from '../tables.ts';
import { createWriter } from '../writer.ts';

/** Opens the webhooks of an object. */
export function openWebhooks(storage: LogStorage): WebhookTables {
  const { sql } = storage;
  const writer = createWriter(storage);
  const isMade = (): boolean => sql.exec("SELECT 1 FROM sqlite_schema WHERE name = 'webhooks'").toArray().length > 0;
  const { table, ...others } = webhookTablesIn({
    run: (text: string, ...values: readonly SqlValue[]): readonly Row[] =>
      attempt(() => sql.exec(text, ...values).toArray()),
    transact: (tried, work) => writer.write(tried, work),
  });
  return {
    ...others,
    table: {
      all: () => (isMade() ? table.all() : []),
      put(record) {
        // Asked each time: the storage may have been erased since.
        if (!isMade()) attempt(() => sql.exec(webhookSchema));
        table.put(record);
      },
      remove: table.remove,
    },
  };
}

function attempt<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (isFailure(error)) throw error;
    const said = error instanceof Error ? error.message : String(error);
    throw new Failure('StorageFailed', `cannot read or store a webhook; the storage said: ${said}`, { cause: error });
  }
}
