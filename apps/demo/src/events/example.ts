// One of GitHub's example payloads, ready to be posted.

/** An event without id and time: each replay gives it new ones. */
export interface Example {
  readonly type: string;
  readonly source: string;
  readonly data: unknown;
}
