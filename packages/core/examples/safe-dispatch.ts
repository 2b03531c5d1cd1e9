// Row 109. A dispatch from a place that must not throw, like a catch block or an unload handler: it logs instead.
import { createDispatcher, safely } from '@godwit/core/dispatcher';

/** Dispatches to a dispatcher that was closed. Answers what was logged. */
export async function safeDispatch(): Promise<readonly string[]> {
  const logged: string[] = [];
  const dispatcher = createDispatcher<{ 'page.left': null }>();
  await dispatcher.close();
  safely(
    () => dispatcher.dispatch('page.left', null),
    (failure) => logged.push(`${failure.name}: ${failure.message}`),
  );
  return logged;
}
