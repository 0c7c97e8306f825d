import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** The process and all that descends from it, parents first. */
export function processTree(pid: number): readonly number[] {
  const children = Map.groupBy(processes(), ({ parent }) => parent);
  const tree = [pid];
  for (const one of tree) tree.push(...(children.get(one) ?? []).map((child) => child.pid));
  return tree;
}

/** Sends the signal to each that still is there; parents first, so that a stopped parent starts no more. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}

/** Resolves when none of them runs any more; a zombie, which only waits to be reaped, does not run. */
export async function untilEnded(pids: readonly number[]): Promise<void> {
  while (pids.some(runs)) await delay(20);
}

/** Resolves when no thread of theirs runs on: a signal to stop takes effect a moment after it was sent. */
export async function untilStopped(pids: readonly number[]): Promise<void> {
  while (pids.some((pid) => threadStates(pid).some((state) => !'TtZX'.includes(state)))) await delay(5);
}

/** Whether the process is there and not a zombie. */
export function runs(pid: number): boolean {
  const found = stat(pid);
  return found !== undefined && found.state !== 'Z' && found.state !== 'X';
}

function processes() {
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [stat(Number(name))] : []));
  return all.filter((one) => one !== undefined);
}

function threadStates(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) => stat(`${pid}/task/${thread}`)?.state ?? []);
  } catch {
    return [];
  }
}

/** Of /proc/PID/stat, proc(5): `pid (name) state ppid …`, where the name may hold anything. */
function stat(pid: number | string) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parent = ''] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { pid: Number(pid), state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
