import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DataFolder } from './data-folder.ts';
import { processTree, runs, signalAll, untilEnded, untilStopped } from './process-tree.ts';
import type { User } from './user.ts';

/** A real server that this process started, on loopback, with data of its own. It ends with this process at the latest. */
export interface Server {
  readonly name: string;
  /** As the drivers take it; the same after a restart. */
  readonly url: string;
  readonly port: number;
  /** Of the process that runs, or ran last. */
  readonly pid: number;
  /** Where its data and its log are. */
  readonly folder: string;
  /** Ends it in order; what it kept stays for `restart`. */
  stop(): Promise<void>;
  /** Ends it and all its children by SIGKILL; what it kept stays for `restart`. */
  kill(): Promise<void>;
  /** Starts it on the same port and data, after an orderly stop if it still runs; resolves when it answers. */
  restart(): Promise<void>;
  /** SIGSTOP; resolves when it and all its children stand still. Their connections stay open. */
  pause(): Promise<void>;
  /** SIGCONT. */
  resume(): void;
  /** Ends it at once if it still runs, and removes its data. */
  remove(): Promise<void>;
}

/** How to run one server. */
export interface Recipe {
  readonly name: string;
  readonly url: string;
  readonly port: number;
  readonly folder: DataFolder;
  readonly command: readonly [string, ...string[]];
  readonly environment?: Readonly<Record<string, string>>;
  readonly user?: User | undefined;
  /** What asks it to end in order. Default: SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  /** Rejects while it doesn't answer. */
  readonly answers: () => Promise<void>;
}

const startTimeoutMs = 90_000;
const stopTimeoutMs = 30_000;

/** Starts it and waits until it answers. @throws with the end of its log when it ends before, or doesn't answer in time. */
export async function startServer(recipe: Recipe): Promise<Server> {
  let child = await launch(recipe).catch((error: unknown) => {
    recipe.folder.remove();
    throw error;
  });
  const pid = () => child.pid ?? 0;
  const end = async (tree: readonly number[], signal: () => void) => {
    signal();
    const late = setTimeout(() => signalAll(tree, 'SIGKILL'), stopTimeoutMs);
    await untilEnded(tree);
    // Reaped too: PostgreSQL takes the zombie of the one before for one that runs.
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    clearTimeout(late);
  };
  const stop = async () => {
    const tree = processTree(pid());
    if (!runs(pid())) return;
    await end(tree, () => {
      signalAll(tree, 'SIGCONT');
      child.kill(recipe.stopSignal ?? 'SIGTERM');
    });
  };
  const kill = async () => {
    const tree = processTree(pid());
    if (runs(pid())) await end(tree, () => signalAll(tree, 'SIGKILL'));
  };
  return {
    name: recipe.name,
    url: recipe.url,
    port: recipe.port,
    folder: recipe.folder.path,
    get pid() {
      return pid();
    },
    stop,
    kill,
    async restart() {
      await stop();
      child = await launch(recipe);
    },
    async pause() {
      const tree = processTree(pid());
      signalAll(tree, 'SIGSTOP');
      await untilStopped(tree);
    },
    resume: () => signalAll(processTree(pid()), 'SIGCONT'),
    async remove() {
      await kill();
      recipe.folder.remove();
    },
  };
}

async function launch(recipe: Recipe): Promise<ChildProcess> {
  const { name, command, environment, folder, user, answers } = recipe;
  const logFile = join(folder.path, 'server.log');
  const log = openSync(logFile, 'a');
  // The kernel ends it when we end, however we end: prctl(2), PR_SET_PDEATHSIG.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command], {
    cwd: folder.path,
    env: { PATH: process.env.PATH, LANG: 'C.UTF-8', ...environment },
    stdio: ['ignore', log, log],
    // A session of its own: Ctrl-C in the terminal is for us alone, who then stop it in order.
    detached: true,
    ...user,
  });
  closeSync(log);
  const failed = once(child, 'error').then(([error]) => String(error));
  const ended = once(child, 'exit').then(([code, signal]) => `it ended with ${code ?? signal}`);
  const trouble = Promise.race([failed, ended]);
  let last: unknown = 'no attempt';
  const deadline = Date.now() + startTimeoutMs;
  for (;;) {
    const said = await Promise.race([
      trouble,
      answers().then(
        () => 'answers',
        (error: unknown) => {
          last = error;
        },
      ),
    ]);
    if (said === 'answers') return child;
    const why = said ?? (Date.now() > deadline ? `no answer in ${startTimeoutMs} ms, last: ${last}` : undefined);
    if (why !== undefined) {
      child.kill('SIGKILL');
      throw new Error(`${name} did not start: ${why}\n${readFileSync(logFile, 'utf8').slice(-4000)}`);
    }
    await delay(50);
  }
}
