// PROTOCOL.md, rules 1.6 and 1.7, where the fault is a number: one that no double holds is refused, and never changed.
import { expect, test } from 'vitest';
import { batchType, createRelayWorld, eventOf, eventType, type RelayStart, type RelayUnderTest } from './world.ts';

/** What becomes of numbers. */
export function numberRules(start: (options?: RelayStart) => Promise<RelayUnderTest>): void {
  const create = (options?: RelayStart) => createRelayWorld(start, options);

  test('1.7 a number that would be changed is refused, saying where and what to do', async () => {
    const { post, page } = await create();
    const cases: readonly (readonly [string, string])[] = [
      [eventWith('{"n":1,"deep":{"of":[12345678901234567890]}}'), '`data.deep.of[0]` is 12345678901234567890'],
      [eventWith('-9007199254740992'), '`data` is -9007199254740992'],
      [eventWith('[1e400]'), '`data[0]` is 1e400, which JSON'],
      [eventWith('{"a b":1E+999}'), '`data["a b"]` is 1E+999'],
      [eventWith('1,"retries":99999999999999999'), '`retries` is 99999999999999999'],
      [eventWith('1', '12345678901234567890'), 'send it as a string'],
      [eventWith(`${'['.repeat(20_000)}1e10${']'.repeat(20_000)}`), 'deep'],
    ];
    for (const [body, says] of cases) {
      const response = await post(eventType, body);
      const problem = (await response.json()) as { name: string; detail: string };
      const expected = [400, 'InvalidEvent', expect.stringContaining(says)];
      expect([response.status, problem.name, problem.detail]).toEqual(expected);
    }
    const headers = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/a', 'ce-type': 't' };
    const binary = await post('application/json', '{"of":9007199254740993}', headers);
    expect(await binary.json()).toMatchObject({ name: 'InvalidEvent', path: 'data.of' });
    expect(await page()).toEqual([]);
  });

  test('1.7 digits in strings, and numbers that a double holds, come back as they were', async () => {
    const { post, page } = await create();
    const data = {
      text: '12345678901234567890 1e400 \\" 12345678901234567890',
      '12345678901234567890': 'a key',
      most: 9007199254740991,
      least: -9007199254740991,
      avogadro: 6.02214076e23,
      small: 5e-324,
      third: 0.3333333333333333,
      pi: 3.141592653589793,
    };
    expect((await post(eventType, eventOf('1', { data }))).status).toBe(200);
    expect((await page())[0]?.['data']).toEqual(data);
  });

  test('1.6 a number that would be changed refuses its own event alone', async () => {
    const { post, page } = await create();
    const batch = `[${eventWith('1', '"a"')},${eventWith('{"price":12345678901234567890}', '"b"')},${eventWith('1e10', '"c"')}]`;
    const { results } = (await (await post(batchType, batch)).json()) as { results: unknown[] };
    const message = expect.stringContaining('event [1]: the number `data.price` is 12345678901234567890');
    expect(results).toMatchObject([
      { id: 'a', status: 'appended' },
      { id: 'b', status: 'refused', failure: { name: 'InvalidEvent', message } },
      { id: 'c', status: 'appended' },
    ]);
    expect((await page()).map(({ data }) => data)).toEqual([1, 1e10]);
    // One that is alone has no place to be named by.
    const alone = await post(batchType, `[${eventWith('12345678901234567890')}]`);
    expect(await alone.json()).toMatchObject({
      results: [{ failure: { message: expect.stringMatching(/^the number `data` is/) } }],
    });
  });
}

/** An event as JSON, whose numbers are written as the test has them. */
function eventWith(data: string, id = '"1"'): string {
  return `{"specversion":"1.0","id":${id},"source":"/a","type":"t","data":${data}}`;
}
