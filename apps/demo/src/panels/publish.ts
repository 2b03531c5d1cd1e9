// Publishing by hand: a note, a hundred of them, and the switch that takes the device offline.
import { toFailure, type Runtime } from '@godwit/core';
import type { Board } from '../board/board.ts';
import { find, findButton, findInput, one, say } from '../dom.ts';
import type { Events } from '../events/index.ts';
import type { Settings } from '../settings.ts';

/** Where the name is kept: it is the person's, not the board's. */
const nameKey = 'godwit-demo-name';

/** Makes the form work. */
export function startPublishing(runtime: Runtime<Events>, settings: Settings, board: Board): void {
  const author = findInput('note-author');
  const text = findInput('note-input');
  const hundred = findButton('publish-100');
  const said = find('said');

  async function publish(note: string): Promise<void> {
    const data = { author: author.value, text: note };
    const receipt = await runtime.publish('note.written', data, { channel: settings.board });
    const shown = {
      id: receipt.id,
      type: 'note.written',
      time: new Date().toISOString(),
      telling: { who: data.author, did: 'noted', what: data.text, where: '' },
      offset: null,
      sequence: undefined,
    };
    board.addPending(shown, receipt);
  }

  /** Says how it went: a refusal is an answer too. */
  async function answer(work: Promise<unknown>, done: string): Promise<void> {
    try {
      await work;
      say(said, done);
    } catch (error) {
      say(said, toFailure(error).message);
    }
  }

  author.value = localStorage.getItem(nameKey) ?? settings.user;
  author.addEventListener('change', () => localStorage.setItem(nameKey, author.value));
  one('form.note').addEventListener('submit', (event) => {
    event.preventDefault();
    void answer(publish(text.value), 'On disk.');
    text.value = '';
    text.focus();
  });
  hundred.addEventListener('click', () => {
    const notes = Array.from({ length: 100 }, (_, index) => publish(`Note ${index + 1} of 100`));
    void answer(Promise.all(notes), '100 notes on disk.');
  });
  findButton('note-send').disabled = false;
  hundred.disabled = false;
}

/** Makes the switch work: it is the whole device's, so it follows when another tab throws it. */
export function startOfflineSwitch(runtime: Runtime<Events>): void {
  const offline = findInput('offline');
  const follow = (): void => {
    offline.checked = runtime.status.get().connection === 'paused';
  };
  offline.addEventListener('change', () => {
    if (offline.checked) runtime.pause();
    else runtime.resume();
  });
  runtime.status.subscribe(follow);
  follow();
  offline.disabled = false;
}
