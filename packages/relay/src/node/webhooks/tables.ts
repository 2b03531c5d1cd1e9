// Webhooks in the relay's file.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { webhookTablesIn, type WebhookTables } from '../../webhooks/tables.ts';
import { storageFailure } from '../sqlite/database.ts';

/** The webhooks of an open file, which has their tables. */
export function prepareWebhooks(database: DatabaseSync): WebhookTables {
  // The statements are few, and each text is one of them.
  const statements = new Map<string, StatementSync>();
  const statementOf = (text: string): StatementSync => {
    const statement = statements.get(text) ?? database.prepare(text);
    statements.set(text, statement);
    return statement;
  };
  return webhookTablesIn({
    run: (text, ...values) => attempt('cannot read or store a webhook', () => statementOf(text).all(...values)),
    transact: async (tried, work) =>
      attempt(tried, () => {
        database.exec('BEGIN IMMEDIATE');
        try {
          const result = work();
          database.exec('COMMIT');
          return result;
        } catch (error) {
          // A full disk may have rolled it back already.
          if (database.isTransaction) database.exec('ROLLBACK');
          throw error;
        }
      }),
  });
}

function attempt<Result>(tried: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw storageFailure(error, tried);
  }
}
