// The third engine: WebKitGTK's own small browser, driven over WebDriver (https://www.w3.org/TR/webdriver2/), on a screen that nobody sees.
import { setTimeout as pause } from 'node:timers/promises';
import { startChild, type Child } from './child.ts';
import { freePort } from '../chaos/ports.ts';

/** A device: a browser with a profile of its own. */
export interface WebKitDevice {
  /** Opens a tab. */
  open(url: string): Promise<WebKitTab>;
  close(): Promise<void>;
}

/** One tab. Tabs of a device are asked one after the other: a session looks at one at a time. */
export interface WebKitTab {
  /** Runs a function's body in the page, and answers what it returns. */
  run(body: string): Promise<unknown>;
  close(): Promise<void>;
}

/** How long the driver may take to listen, in milliseconds; it is there in some tenths of a second. */
const startMsMax = 20_000;
/** How often it is asked whether it listens. */
const askEveryMs = 50;

/** Starts a screen. Its number is what browsers are told. */
export async function startScreen(): Promise<{ readonly display: string; close(): Promise<void> }> {
  const screen = startChild('Xvfb', ['-displayfd', '1', '-screen', '0', '1280x1024x24', '-nolisten', 'tcp']);
  return {
    display: `:${await screen.line(/^\d+$/)}`,
    close: async () => void (await screen.end('SIGTERM')),
  };
}

/** Starts a device on a screen. */
export async function startWebKit(display: string): Promise<WebKitDevice> {
  const port = await freePort();
  const driver = startChild('env', [`DISPLAY=${display}`, 'WebKitWebDriver', `--port=${port}`]);
  const address = `http://127.0.0.1:${port}`;
  try {
    await listening(address);
    const { sessionId } = await command<{ readonly sessionId: string }>(`${address}/session`, {
      capabilities: { alwaysMatch: {} },
    });
    return deviceOf(`${address}/session/${sessionId}`, driver);
  } catch (error) {
    await driver.end('SIGTERM');
    throw error;
  }
}

function deviceOf(session: string, driver: Child): WebKitDevice {
  return {
    async open(url) {
      const { handle } = await command<{ readonly handle: string }>(`${session}/window/new`, { type: 'tab' });
      const inTab = async <Answer>(path: string, body: object): Promise<Answer> => {
        await command(`${session}/window`, { handle });
        return command<Answer>(`${session}/${path}`, body);
      };
      await inTab('url', { url });
      return {
        run: (body) => inTab('execute/sync', { script: body, args: [] }),
        async close() {
          await command(`${session}/window`, { handle });
          await command(`${session}/window`, undefined, 'DELETE');
        },
      };
    },
    async close() {
      try {
        await command(session, undefined, 'DELETE');
      } finally {
        await driver.end('SIGTERM');
      }
    },
  };
}

async function listening(address: string): Promise<void> {
  const until = performance.now() + startMsMax;
  for (;;) {
    try {
      await command(`${address}/status`, undefined, 'GET');
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await pause(askEveryMs);
    }
  }
}

/** One command, and its value. */
async function command<Value>(url: string, body: object | undefined, method = 'POST'): Promise<Value> {
  const answer = await fetch(url, { method, ...(body !== undefined && { body: JSON.stringify(body) }) });
  const { value } = await answer.json();
  if (!answer.ok) throw new Error(`${method} ${new URL(url).pathname}: ${value.error}: ${value.message}`);
  return value;
}
