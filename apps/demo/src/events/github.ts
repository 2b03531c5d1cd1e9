// GitHub's webhooks as typed events: of payloads of up to 25 kB, what a board shows.
import * as v from 'valibot';
import { family } from './family.ts';

const text = v.string();
const login = v.object({ login: text });
const about = { sender: login, repository: v.object({ full_name: text }) };
const numbered = v.object({ number: v.number(), title: text });
const named = v.object({ name: text });
const ref = { ref: text, ref_type: text };

const issues = family({
  name: 'issues',
  actions: [
    'opened',
    'edited',
    'reopened',
    'assigned',
    'unassigned',
    'labeled',
    'unlabeled',
    'milestoned',
    'demilestoned',
    'locked',
    'unlocked',
    'pinned',
    'unpinned',
    'transferred',
    'deleted',
  ],
  keep: v.object({ ...about, issue: numbered, label: v.optional(named), assignee: v.nullish(login) }),
  tell: ({ sender, repository, issue, label }, action) => ({
    who: sender.login,
    did: label === undefined ? `${action} issue #${issue.number}` : `${action} issue #${issue.number} “${label.name}”`,
    what: issue.title,
    where: repository.full_name,
  }),
});

const comments = family({
  name: 'issue_comment',
  actions: ['created', 'edited', 'deleted'],
  keep: v.object({ ...about, issue: v.object({ number: v.number() }), comment: v.object({ body: text }) }),
  tell: ({ sender, repository, issue, comment }, action) => ({
    who: sender.login,
    did: `${{ created: 'commented', edited: 'edited a comment', deleted: 'deleted a comment' }[action]} on #${issue.number}`,
    what: comment.body,
    where: repository.full_name,
  }),
});

/** Where GitHub's word is not what a person would say. */
const pullRequestWords: Readonly<Record<string, string>> = {
  synchronize: 'pushed to',
  ready_for_review: 'opened for review',
  converted_to_draft: 'made a draft of',
  review_requested: 'asked for a review of',
  review_request_removed: 'no longer asks for a review of',
};

const pullRequests = family({
  name: 'pull_request',
  actions: [
    'opened',
    'synchronize',
    'ready_for_review',
    'converted_to_draft',
    'review_requested',
    'review_request_removed',
    'assigned',
    'unassigned',
    'labeled',
    'unlabeled',
    'locked',
    'unlocked',
    'reopened',
    'closed',
  ],
  keep: v.object({ ...about, pull_request: v.object({ ...numbered.entries, merged: v.boolean() }) }),
  tell: ({ sender, repository, pull_request: { number, title, merged } }, action) => ({
    who: sender.login,
    did: `${action === 'closed' && merged ? 'merged' : (pullRequestWords[action] ?? said(action))} pull request #${number}`,
    what: title,
    where: repository.full_name,
  }),
});

const reviews = family({
  name: 'pull_request_review',
  actions: ['submitted', 'dismissed'],
  keep: v.object({ ...about, review: v.object({ state: text }), pull_request: numbered }),
  tell: ({ sender, repository, review, pull_request: { number, title } }) => ({
    who: sender.login,
    did: `reviewed pull request #${number} (${said(review.state)})`,
    what: title,
    where: repository.full_name,
  }),
});

const pushes = family({
  name: 'push',
  actions: [],
  keep: v.object({ ...about, ref: text, head_commit: v.nullable(v.object({ message: text })) }),
  tell: ({ sender, repository, ref, head_commit }) => ({
    who: sender.login,
    did: `pushed to ${ref.replace(/^refs\/(heads|tags)\//, '')}`,
    what: head_commit?.message ?? '',
    where: repository.full_name,
  }),
});

const releases = family({
  name: 'release',
  actions: ['created', 'edited', 'published', 'prereleased', 'released', 'deleted'],
  keep: v.object({ ...about, release: v.object({ tag_name: text, name: v.nullable(text) }) }),
  tell: ({ sender, repository, release: { tag_name, name } }, action) => ({
    who: sender.login,
    did: `${said(action)} release ${tag_name}`,
    what: name ?? '',
    where: repository.full_name,
  }),
});

const workflows = family({
  name: 'workflow_run',
  actions: ['requested', 'completed'],
  keep: v.object({
    ...about,
    workflow_run: v.object({ run_number: v.number(), head_branch: text, conclusion: v.nullable(text) }),
  }),
  tell: ({ sender, repository, workflow_run: { run_number, head_branch, conclusion } }, action) => ({
    who: sender.login,
    did: `${action} workflow run ${run_number}`,
    what: conclusion === null ? `on ${head_branch}` : `${said(conclusion)} on ${head_branch}`,
    where: repository.full_name,
  }),
});

const checks = family({
  name: 'check_run',
  actions: ['created', 'completed', 'rerequested', 'requested_action'],
  keep: v.object({ ...about, check_run: v.object({ name: text, status: text, conclusion: v.nullable(text) }) }),
  tell: ({ sender, repository, check_run: { name, status, conclusion } }, action) => ({
    who: sender.login,
    did: `${{ created: 'created', completed: 'completed', rerequested: 'asked again for', requested_action: 'asked for an action on' }[action]} check ${name}`,
    what: said(conclusion ?? status),
    where: repository.full_name,
  }),
});

const discussions = family({
  name: 'discussion',
  actions: [
    'created',
    'edited',
    'answered',
    'unanswered',
    'labeled',
    'unlabeled',
    'locked',
    'unlocked',
    'pinned',
    'transferred',
    'category_changed',
  ],
  keep: v.object({ ...about, discussion: numbered }),
  tell: ({ sender, repository, discussion: { number, title } }, action) => ({
    who: sender.login,
    did: `${said(action)} discussion #${number}`,
    what: title,
    where: repository.full_name,
  }),
});

const stars = family({
  name: 'star',
  actions: ['created', 'deleted'],
  keep: v.object(about),
  tell: ({ sender, repository }, action) => ({
    who: sender.login,
    did: action === 'created' ? 'starred' : 'took back a star from',
    what: repository.full_name,
    where: repository.full_name,
  }),
});

const forks = family({
  name: 'fork',
  actions: [],
  keep: v.object({ ...about, forkee: v.object({ full_name: text }) }),
  tell: ({ sender, repository, forkee }) => ({
    who: sender.login,
    did: 'forked to',
    what: forkee.full_name,
    where: repository.full_name,
  }),
});

const created = family({
  name: 'create',
  actions: [],
  keep: v.object({ ...about, ...ref }),
  tell: ({ sender, repository, ref, ref_type }) => ({
    who: sender.login,
    did: `created ${ref_type}`,
    what: ref,
    where: repository.full_name,
  }),
});

/** Every family that the board knows. Webhooks of other kinds are not replayed. */
export const families = [
  issues,
  comments,
  pullRequests,
  reviews,
  pushes,
  releases,
  workflows,
  checks,
  discussions,
  stars,
  forks,
  created,
] as const;

/** GitHub's word as a person's: `review_requested` as "review requested". */
function said(word: string): string {
  return word.replaceAll('_', ' ');
}
