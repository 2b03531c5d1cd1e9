// Webhooks in the relay's file.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { webhookTablesIn, type WebhookTables } from '../../webhooks/tables.ts';
import { attempt, prepareTransactions } from '../sqlite/transaction.ts';

/** The webhooks of an open file, which has their tables. */
export function prepareWebhooks(database: DatabaseSync): WebhookTables {
  const transact = prepareTransactions(database);
  // The statements are few, and each text is one of them.
  const statements = new Map<string, StatementSync>();
  const statementOf = (text: string): StatementSync => {
    const statement = statements.get(text) ?? database.prepare(text);
    statements.set(text, statement);
    return statement;
  };
  return webhookTablesIn({
    run: (text, ...values) => attempt('cannot read or store a webhook', () => statementOf(text).all(...values)),
    transact: async (tried, work) => transact(tried, work),
  });
}
