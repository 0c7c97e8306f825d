import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** Resolves with the first match of the pattern in what it prints on stdout. @throws when it ends without. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** The same on stderr, where its log goes. */
  logged(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<Ended>;
}

/** Starts the command line as a user does, in a process of its own with nothing but this environment. */
export function statewright(args: readonly string[], environment: Readonly<Record<string, string>>): Running {
  const child = spawn(process.execPath, [`${root}bin/statewright.mjs`, ...args], {
    cwd: environment.DATA_DIR,
    env: { LOG_LEVEL: 'warn', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stdout = follow(child.stdout);
  const stderr = follow(child.stderr);
  const ended = once(child, 'close').then(([code, signal]) => ({
    code,
    signal,
    stdout: stdout.soFar(),
    stderr: stderr.soFar(),
  }));
  const found = async ({ soFar, more }: Followed, pattern: RegExp) => {
    for (;;) {
      const found = pattern.exec(soFar());
      if (found !== null) return found;
      const over = await Promise.race([more(), ended]);
      if (over !== undefined && !pattern.test(soFar())) throw new Error(`it ended: ${over.stdout}${over.stderr}`);
    }
  };
  return {
    child,
    ended,
    printed: (pattern) => found(stdout, pattern),
    logged: (pattern) => found(stderr, pattern),
  };
}

interface Followed {
  soFar(): string;
  /** Resolves when something more has come. */
  more(): Promise<undefined>;
}

function follow(stream: Readable): Followed {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return { soFar: () => text, more: () => once(stream, 'data').then(() => undefined) };
}

export interface Serving extends Running {
  readonly url: string;
  /** SIGTERM, then what it ended with. */
  stop(): Promise<Ended>;
}

/** Serves the reference application on a free port, with what it keeps in this directory. */
export async function serve(dataDir: string, environment: Readonly<Record<string, string>> = {}): Promise<Serving> {
  return listening(statewright(['serve'], { DATA_DIR: dataDir, PORT: '0', ...environment }));
}

/** Resolves when it serves. */
export async function listening(running: Running): Promise<Serving> {
  const [, url = ''] = await running.printed(/listens on (http:\/\/[^\s,]+)/);
  return {
    ...running,
    url,
    stop() {
      running.child.kill('SIGTERM');
      return running.ended;
    },
  };
}

/** What tests read of answers, wherever it stands. */
export interface Answered {
  readonly aggregateId: string;
  readonly position: number;
  readonly events: readonly unknown[];
  readonly data: Shown & readonly Shown[];
}

interface Shown {
  readonly id: string;
  readonly type: string;
  readonly orderNumber: string;
  readonly createdAt: string;
  readonly meta: { readonly occurredAt: string };
}

/** Asks a server: the answer's status and its JSON. */
export async function ask(url: string, path: string, init: { readonly method?: string; readonly body?: object } = {}) {
  const { method = init.body === undefined ? 'GET' : 'POST', body } = init;
  const answer = await fetch(`${url}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return { status: answer.status, json: (await answer.json()) as Answered };
}
