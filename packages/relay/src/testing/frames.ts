// For the contract: a stream's frames one by one, read with nothing but what the protocol promises.

/** One frame: the fields of its lines; a heartbeat has neither event nor data. */
export interface SeenFrame {
  readonly id?: string;
  readonly event?: string;
  /** The data, parsed. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly isComment: boolean;
}

/** Takes frames from an answer. */
export interface FrameReader {
  /** The next frame that is not a bare comment; undefined at the end. */
  next(): Promise<SeenFrame | undefined>;
  /** The next frame that is a heartbeat. */
  heartbeat(): Promise<SeenFrame>;
  /** The next control frame of this kind; events and other frames before it are passed over. */
  control(kind: string): Promise<Readonly<Record<string, unknown>>>;
  /** The next `count` events; control frames before them are passed over. */
  events(count: number): Promise<readonly SeenFrame[]>;
  /** The ids of the next `count` events. */
  ids(count: number): Promise<readonly unknown[]>;
  cancel(): Promise<void>;
}

/** Reads an answer's frames. */
export function readFrames(response: Response): FrameReader {
  const reader = (response.body ?? new ReadableStream<Uint8Array>()).getReader();
  const decoder = new TextDecoder();
  let text = '';

  async function any(): Promise<SeenFrame | undefined> {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end >= 0) {
        const block = text.slice(0, end);
        text = text.slice(end + 2);
        return parseFrame(block);
      }
      const { done, value } = await reader.read();
      if (done) return undefined;
      text += decoder.decode(value, { stream: true });
    }
  }
  async function some(fits: (frame: SeenFrame) => boolean): Promise<SeenFrame> {
    for (;;) {
      const frame = await any();
      if (frame === undefined) throw new Error('the stream has ended');
      if (fits(frame)) return frame;
    }
  }
  async function events(count: number): Promise<readonly SeenFrame[]> {
    const found: SeenFrame[] = [];
    while (found.length < count) found.push(await some(({ event, data }) => event === undefined && data !== undefined));
    return found;
  }

  return {
    async next() {
      let frame = await any();
      while (frame?.isComment === true) frame = await any();
      return frame;
    },
    heartbeat: () => some(({ isComment }) => isComment),
    control: async (kind) => (await some(({ event }) => event === kind)).data ?? {},
    events,
    ids: async (count) => (await events(count)).map(({ data }) => data?.['id']),
    cancel: () => reader.cancel(),
  };
}

/** Reads one frame, strictly: every line is a field that the protocol knows, or a comment. */
function parseFrame(block: string): SeenFrame {
  const fields: Record<string, string> = {};
  for (const line of block.split('\n')) {
    const [, name, value = ''] = /^(id|event|data|retry|)(?:: ?(.*))$/s.exec(line) ?? [];
    if (name === undefined) throw new Error(`not a line of a frame: ${JSON.stringify(line)}`);
    if (name in fields) throw new Error(`the field ${name} comes twice in ${JSON.stringify(block)}`);
    fields[name] = value;
  }
  const { id, event, data } = fields;
  return {
    ...(id === undefined ? {} : { id }),
    ...(event === undefined ? {} : { event }),
    ...(data === undefined ? {} : { data: JSON.parse(data) as Record<string, unknown> }),
    isComment: data === undefined && event === undefined,
  };
}
