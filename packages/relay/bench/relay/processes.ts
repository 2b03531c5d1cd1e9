// What processes cost, as Linux counts it (proc(5)); and how they are started, each kind on a core of its own.
import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Cores: what serves on the first, what loads it on the second. */
export const serverCore = 0;
export const loadCore = 1;
/** Pages of memory, and ticks of /proc/stat. */
const pageBytes = 4096;
const ticksPerSecond = 100;
const nsPerSecond = 1e9;

/** Starts a process on a core; anywhere on a machine that has but one. */
export function startOn(core: number, command: string, args: readonly string[], cwd?: string): ChildProcess {
  const pinned = availableParallelism() > 1;
  const [file, all] = pinned ? ['taskset', ['-c', String(core), command, ...args]] : [command, args];
  return spawn(file, all, { stdio: ['ignore', 'pipe', 'inherit'], ...(cwd === undefined ? {} : { cwd }) });
}

/** A process and all that come from it. */
function familyOf(pid: number): readonly number[] {
  const children = text(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return [pid, ...children.flatMap(familyOf)];
}

/** Seconds of CPU that a family has used. */
export function cpuSecondsOf(pid: number): number {
  let ns = 0;
  for (const member of familyOf(pid)) {
    for (const task of tasksOf(member)) ns += Number(text(`/proc/${member}/task/${task}/schedstat`).split(' ')[0] ?? 0);
  }
  return ns / nsPerSecond;
}

/** Bytes of memory that a family has resident. */
export function residentBytesOf(pid: number): number {
  return familyOf(pid).reduce((sum, member) => sum + pagesOf(member) * pageBytes, 0);
}

/** Seconds that all cores have been busy, with whatever. */
export function busySeconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (
    text('/proc/stat').split('\n')[0] ?? ''
  )
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / ticksPerSecond;
}

function pagesOf(member: number): number {
  return Number(text(`/proc/${member}/statm`).split(' ')[1] ?? 0);
}

function tasksOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** A process that has ended meanwhile has used nothing more. */
function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
