// Everything that a run has: a relay on a disk, devices with tabs, a line from each to it, and those who write down what is so.
import { join } from 'node:path';
import type { Dice } from '@godwit/core/testing';
import { root } from '../src/child.ts';
import { startAudit, type Audit } from './audit.ts';
import { makeDevice, type Device } from './device.ts';
import { makeDisk, type Disk } from './disk.ts';
import { createJournal, publisherName, type Journal } from './journal.ts';
import type { Options } from './options.ts';
import { startLine, type Line } from './proxy.ts';
import { startPublisher, type Publisher } from './publisher.ts';
import { makeRelay, type Relay } from './relays.ts';
import { startSite } from './site.ts';

/** The stage. */
export interface Stage {
  readonly disk: Disk;
  readonly relay: Relay;
  readonly devices: readonly Device[];
  /** By who is at its other end: a device, or the publisher. */
  readonly lines: ReadonlyMap<string, Line>;
  readonly publisher: Publisher;
  readonly journal: Journal;
  readonly audit: Audit;
  /** Lets the tabs publish, or publish no more. */
  play(isPlaying: boolean): void;
  remove(): Promise<void>;
}

/** Enough for a leader and a follower each, and for readers that have nothing to do with each other; two cores carry them. */
const deviceNames = ['alice', 'bob', 'carol'] as const;
const tabsPerDevice = 2;

/** Builds it. Every tab is open when it stands. */
export async function buildStage({ relay: kind, rate }: Options, dice: Dice): Promise<Stage> {
  const cleanups: (() => Promise<void>)[] = [];
  const remove = async (): Promise<void> => {
    for (const cleanup of cleanups.toReversed()) await cleanup();
  };
  try {
    const disk = await makeDisk();
    cleanups.push(() => disk.remove());
    const relay = await makeRelay(kind, disk.folder);
    cleanups.push(() => relay.remove());
    await relay.start();

    const lines = new Map<string, Line>();
    for (const name of [...deviceNames, publisherName]) {
      const line = await startLine(relay.port, dice);
      lines.set(name, line);
      cleanups.push(() => line.close());
    }

    // The publisher takes one half of it, the tabs the other.
    const perTab = rate / 2 / (deviceNames.length * tabsPerDevice);
    let perSecond = perTab;
    const journal = createJournal(() => performance.now());
    const site = await startSite(join(root, 'e2e/dist'), {
      told: (tale) => journal.told(tale, { perSecond }),
      handled: (tab, ids) => journal.ledger(tab, ids),
    });
    cleanups.push(() => site.close());
    const audit = startAudit(relay.url);
    cleanups.push(() => audit.stop());
    const url = (name: string): string => lines.get(name)?.url ?? '';
    const publisher = startPublisher({ url: url(publisherName), perSecond: rate / 2, journal });
    cleanups.push(() => publisher.pause());

    const devices: Device[] = [];
    for (const name of deviceNames) {
      const device = await makeDevice(name, tabsPerDevice, (tab) => {
        const query = new URLSearchParams({ tab, device: name, relay: url(name) });
        return new URL(`/chaos.html?${query.toString()}`, site.url);
      });
      cleanups.push(() => device.remove());
      devices.push(device);
      await device.start();
    }
    return {
      disk,
      relay,
      devices,
      lines,
      publisher,
      journal,
      audit,
      remove,
      play: (isPlaying) => {
        perSecond = isPlaying ? perTab : 0;
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
