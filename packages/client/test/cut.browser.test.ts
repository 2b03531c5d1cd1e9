// A stream that really breaks, at every byte: what the browser's network, its fetch and our parser make of it together.
import { worldOf, type CloudEvent } from '@godwit/core';
import { commands } from 'vitest/browser';
import { expect, onTestFinished, test } from 'vitest';
import { createFetchLink } from '../src/link/link.ts';

/** So many streams at once: browsers open six connections to a server. */
const atOnce = 4;
const never = new AbortController().signal;
// Characters of one to four bytes, and what frames are made of.
const texts = ['é€𝄞\r\n\ndata: ', 'b'];

test(
  'a stream that is cut behind any byte of a frame, and taken up where it stood, brings each event once',
  { timeout: 60_000 },
  async () => {
    const relay = await commands.openRelay();
    onTestFinished(() => commands.killRelay(relay));
    const cutter = await commands.openCutter(relay);
    onTestFinished(() => commands.closeCutter(cutter));
    await linkTo(relay).push('room', texts.map(eventOf), never);

    const wrong: string[] = [];
    const [begin, end] = await firstEventOf(relay);
    expect(end - begin).toBeGreaterThan(150);
    let next = begin;
    const readCut = async (): Promise<void> => {
      while (next <= end) {
        const cut = next++;
        const before = await read(`${cutter}/${cut}`, 'earliest', texts.length);
        const behind = await read(relay, before.at, texts.length - before.heard.length);
        const heard = [...before.heard, ...behind.heard];
        if (heard.join() !== texts.join()) wrong.push(`cut behind byte ${cut}: ${JSON.stringify(heard)}`);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, readCut));
    expect(wrong).toEqual([]);
  },
);

function eventOf(data: string, index: number): CloudEvent {
  return { specversion: '1.0', id: `${index}`, source: '/alice', type: 'note.added', data };
}

function linkTo(relay: string) {
  return createFetchLink({ relay, fetch, world: worldOf(globalThis) });
}

/** Behind how many bytes of a stream the first event's frame begins, and ends. */
async function firstEventOf(relay: string): Promise<readonly [begin: number, end: number]> {
  const asked = new AbortController();
  const headers = { accept: 'text/event-stream' };
  const answer = await fetch(`${relay}/v1/events?channel=room@earliest`, { headers, signal: asked.signal });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ''; ; text += (await reader?.read())?.value ?? '') {
    const frames = text.split(/(?<=\n\n)/);
    const first = frames.findIndex((frame) => frame.includes('"note.added"') && frame.endsWith('\n\n'));
    if (first < 0) continue;
    asked.abort();
    const bytesOf = (count: number): number => new TextEncoder().encode(frames.slice(0, count).join('')).length;
    return [bytesOf(first), bytesOf(first + 1)];
  }
}

/** Reads so many events, or until the stream breaks. */
async function read(relay: string, after: string, count: number) {
  const heard: unknown[] = [];
  let at = after;
  try {
    if (count > 0) {
      for await (const frames of linkTo(relay).pull(new Map([['room', after]]), never)) {
        for (const frame of frames) {
          if (frame.kind === 'event') heard.push(frame.event.data);
          if (frame.kind === 'event') at = frame.offset ?? at;
        }
        if (heard.length >= count) break;
      }
    }
  } catch (error) {
    // The next stream begins where this one broke.
    expect(error).toMatchObject({ name: 'Unreachable' });
  }
  return { heard, at };
}
