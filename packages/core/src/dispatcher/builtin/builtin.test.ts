import { expect, test } from 'vitest';
import { dispatchEvent, dispatcherFor, onEvent } from '../global.ts';
import * as builtin from './index.ts';
import { UserLoggedIn } from './user.ts';

test('the usual names are there as definitions', () => {
  expect(
    Object.values(builtin)
      .map(({ name }) => name)
      .sort(),
  ).toEqual([
    'catalog.published',
    'client.connected',
    'model.added',
    'model.deleted',
    'model.updated',
    'module.activated',
    'module.deactivated',
    'module.installed',
    'module.uninstalled',
    'module.updated',
    'sync.completed',
    'sync.started',
    'system.shutdown',
    'system.started',
    'user.created',
    'user.deleted',
    'user.logged_in',
    'user.logged_out',
    'user.password_reset',
    'user.updated',
  ]);
});

test('a definition can be imported alone, and is typed', async () => {
  const heard: string[] = [];
  onEvent(UserLoggedIn, ({ userId }) => heard.push(userId));
  dispatchEvent(UserLoggedIn, { userId: 'alice', from: 'a phone' });
  // @ts-expect-error 'user.logged_in' needs a userId
  dispatchEvent(UserLoggedIn, { from: 'a phone' });
  expect(heard).toEqual(['alice', undefined]);
  await dispatcherFor(UserLoggedIn).close();
});
