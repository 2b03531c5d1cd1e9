// What every Neighbours keeps, in memory or over a network.
import { describe, expect, onTestFinished, test } from 'vitest';
import type { CloudEvent } from '../event/cloudevent.ts';
import type { NeighbourMessage, Neighbours } from '../ports/neighbours.ts';
import { gather, type Gathered } from './waiting.ts';

/** What a relay says and hears of a channel. */
export type RelayNeighbours = (channel: string) => Neighbours;

/** A cluster under test. */
export interface NeighboursCluster {
  /** Starts another relay of the cluster. */
  relay(): RelayNeighbours | Promise<RelayNeighbours>;
  /** Starts a relay of another cluster. */
  stranger(): RelayNeighbours | Promise<RelayNeighbours>;
  /** Resolves when whoever began to listen before does, and when what was said before has been heard by whoever was to hear it. */
  settle(): Promise<void>;
  dispose(): void | Promise<void>;
}

/** The law of {@link Neighbours}, where no message is lost. */
export function neighboursContract(name: string, make: () => NeighboursCluster | Promise<NeighboursCluster>): void {
  describe(`the neighbours ${name}`, () => {
    test('every other relay that listens hears a message and who said it, and its sayer never', async () => {
      const { alice, bob, relay, listen } = await create();
      const carol = (await relay())('room:1');
      const heard = { alice: await listen(alice), bob: await listen(bob), carol: await listen(carol) };
      alice.say(went('a'));
      await heard.bob.until(1);
      await heard.carol.until(1);
      bob.say(went('b'));
      await heard.alice.until(1);
      await heard.carol.until(2);
      expect(heard.alice.items).toEqual([[went('b'), bob.id]]);
      expect(heard.bob.items).toEqual([[went('a'), alice.id]]);
      expect(heard.carol.items).toEqual([
        [went('a'), alice.id],
        [went('b'), bob.id],
      ]);
    });

    test('a relay has one id, which is its own', async () => {
      const { one, other } = await create();
      expect(one('room:2').id).toBe(one('room:1').id);
      expect(other('room:1').id).not.toBe(one('room:1').id);
    });

    test('a relay does not hear itself, however often it holds the channel', async () => {
      const { one, bob, settle, listen } = await create();
      const [self, heard] = [await listen(one('room:1')), await listen(bob)];
      one('room:1').say(went('a'));
      await heard.until(1);
      await settle();
      expect(self.items).toEqual([]);
    });

    test('what one relay says is heard in its order, and once', async () => {
      const { alice, bob, settle, listen } = await create();
      const heard = await listen(bob);
      const said = Array.from({ length: 500 }, (_, index) => went(`client-${index}`));
      for (const message of said) alice.say(message);
      await heard.until(500);
      await settle();
      expect(heard.items.map(([message]) => message)).toEqual(said);
    });

    test('nobody is called within the call that says', async () => {
      const { alice, bob, listen } = await create();
      const heard = await listen(bob);
      alice.say(went('a'));
      expect(heard.items).toEqual([]);
      await heard.until(1);
    });

    test('what is heard is a copy of what was said', async () => {
      const { alice, bob, listen } = await create();
      const [one, two] = [await listen(bob), await listen(bob)];
      const data = { x: 1 };
      alice.say({ kind: 'ephemeral', event: { ...moved, data } });
      data.x = 2;
      await one.until(1);
      await two.until(1);
      expect(one.items).toEqual([[{ kind: 'ephemeral', event: { ...moved, data: { x: 1 } } }, alice.id]]);
      expect(two.items[0]?.[0]).not.toBe(one.items[0]?.[0]);
    });

    test('hostile texts, and a large event, come as they were said', async () => {
      const { alice, bob, listen } = await create();
      const heard = await listen(bob);
      const texts = ['a\nb', 'a\r\nb', '\u0000', '\ud800', '\u2028', '\\', '"', '\ufeff', '__proto__', '🦩', ' ', ''];
      const said: NeighbourMessage[] = texts.map(went);
      said.push({ kind: 'ephemeral', event: { ...moved, data: 'x'.repeat(256 * 1024) } });
      said.push({ kind: 'present', part: 0, isLast: true, clients: texts.map((text) => [text, 1]) });
      for (const message of said) alice.say(message);
      await heard.until(said.length);
      expect(heard.items.map(([message]) => message)).toEqual(said);
    });

    test('channels do not hear each other, however alike their names', async () => {
      const { one, other, settle, listen } = await create();
      const names = ['a', 'A', 'a.b', 'a:b', 'a~b', '.', '..', '~', '-', '_', '__proto__', 'x'.repeat(128)];
      const heard = await Promise.all(names.map((channel) => listen(other(channel))));
      for (const channel of names) one(channel).say(went(channel));
      for (const each of heard) await each.until(1);
      await settle();
      expect(heard.map(({ items }) => items.map(([message]) => message))).toEqual(
        names.map((channel) => [went(channel)]),
      );
    });

    test('a relay of another cluster hears nothing', async () => {
      const { alice, bob, cluster, settle, listen } = await create();
      const [stranger, heard] = [await listen((await cluster.stranger())('room:1')), await listen(bob)];
      alice.say(went('a'));
      await heard.until(1);
      await settle();
      expect(stranger.items).toEqual([]);
    });

    test('whoever begins to listen hears what others answer to what it says next', async () => {
      const { alice, bob, settle } = await create();
      bob.hear(() => bob.say(went('answer')));
      await settle();
      // Not settled: it asks in the same breath.
      const heard = ear(alice);
      alice.say({ kind: 'who' });
      await heard.until(1);
      expect(heard.items).toEqual([[went('answer'), bob.id]]);
    });

    test('whoever stopped listening hears no more, and stopping twice is stopping once', async () => {
      const { alice, bob, settle, listen } = await create();
      const [stopped, listening] = [await listen(bob), await listen(bob)];
      alice.say(went('before'));
      await stopped.until(1);
      await listening.until(1);
      stopped.stop();
      stopped.stop();
      await settle();
      alice.say(went('after'));
      await listening.until(2);
      await settle();
      expect(stopped.items.map(([message]) => message)).toEqual([went('before')]);
      const again = await listen(bob);
      alice.say(went('again'));
      await again.until(1);
      expect(again.items.map(([message]) => message)).toEqual([went('again')]);
    });

    test('two equal listeners are two listeners', async () => {
      const { alice, bob, settle, listen } = await create();
      let calls = 0;
      const listener = (): void => void (calls += 1);
      const stop = bob.hear(listener);
      bob.hear(listener);
      const heard = await listen(bob);
      alice.say(went('a'));
      await heard.until(1);
      await settle();
      expect(calls).toBe(2);
      stop();
      await settle();
      alice.say(went('b'));
      await heard.until(2);
      await settle();
      expect(calls).toBe(3);
    });

    test('what is said while nobody listens is lost, and no failure', async () => {
      const { alice, bob, settle, listen } = await create();
      alice.say(went('lost'));
      await settle();
      const heard = await listen(bob);
      alice.say(went('a'));
      await heard.until(1);
      await settle();
      expect(heard.items.map(([message]) => message)).toEqual([went('a')]);
    });
  });

  async function create() {
    const cluster = await make();
    onTestFinished(() => cluster.dispose());
    const [one, other] = [await cluster.relay(), await cluster.relay()];
    const settle = (): Promise<void> => cluster.settle();
    const listen = async (neighbours: Neighbours): Promise<Ear> => {
      const listening = ear(neighbours);
      await settle();
      return listening;
    };
    return {
      cluster,
      relay: () => cluster.relay(),
      settle,
      listen,
      one,
      other,
      alice: one('room:1'),
      bob: other('room:1'),
    };
  }
}

const moved: CloudEvent = { specversion: '1.0', id: '1', source: '/alice', type: 'pointer.moved', ephemeral: true };

function went(clientId: string): NeighbourMessage {
  return { kind: 'went', clientId };
}

/** What one listener has heard. */
interface Ear extends Pick<Gathered<readonly [message: unknown, from: string]>, 'items' | 'until'> {
  readonly stop: () => void;
}

function ear(neighbours: Neighbours): Ear {
  const { items, add, until } = gather<readonly [message: unknown, from: string]>();
  const stop = neighbours.hear((message, from) => add([message, from]));
  onTestFinished(stop);
  return { items, until, stop };
}
