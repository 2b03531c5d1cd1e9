// Reads what came back over HTTP: a relay's answer, a relay's refusal, or something else that stands in between.
import { Failure } from '@godwit/core';
import { failureOfAnswer, mediaTypes } from '@godwit/core/protocol';

/** The most of an answer's body that is quoted in a message. */
const quotedMax = 120;

/** Whether the answer is of this media type, whatever its parameters. */
export function isOfType(response: Response, type: string): boolean {
  const given = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  return given === type;
}

/** What a refusal stands for. */
export async function refusalOf(response: Response): Promise<Failure> {
  const isJson = isOfType(response, mediaTypes.problem) || isOfType(response, mediaTypes.json);
  const text = await response.text();
  return failureOfAnswer(response.status, isJson ? parse(text) : undefined, response.headers.get('retry-after'));
}

/** An answer that no relay gives: a captive portal's page, a proxy's apology. */
export async function strangerOf(response: Response, expected: string): Promise<Failure> {
  const type = response.headers.get('content-type') ?? 'no content type';
  const whence = response.redirected ? ` (redirected to ${response.url})` : '';
  let beginning = '';
  try {
    beginning = (await response.text()).slice(0, quotedMax);
  } catch {
    // What was to be quoted did not come; the failure stands without it.
  }
  return new Failure(
    'Unreachable',
    `expected ${expected} from the relay, got ${response.status} with ${type}${whence}: ${JSON.stringify(beginning)}; ` +
      'is something between here and the relay, or is `relay` another server’s address?',
  );
}

/** The body as JSON; undefined where it is none. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
