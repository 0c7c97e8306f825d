import assert from 'node:assert/strict';
import { type Serving, serve } from '../e2e/process.ts';

/** Where the servers of a fleet keep things. */
export interface FleetOptions {
  /** Of the notifications' file, and of the SQLite file. */
  readonly dataDir: string;
  readonly size: number;
  /** Besides `DATA_DIR`: of a store on a server. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Servers of one application, each a process of its own. */
export interface Fleet {
  readonly size: number;
  /** The address of a server that is up: this one's when it is, else another's; waits while none is. */
  url(preferred: number): Promise<string>;
  /** Kills the server at once (kill -9). Resolves when it listens again. */
  crash(which: number): Promise<void>;
  /** Stops the server in its tracks (SIGSTOP), and wakes it again (SIGCONT). */
  pause(which: number): void;
  resume(which: number): void;
  /** SIGTERM to all, which must then end by themselves, with 0. */
  stop(): Promise<void>;
  /** For when a test failed: leaves no process behind, and whoever still asks for an address fails. */
  destroy(): Promise<void>;
}

/** Starts them all at once, so that they race from the first file on. */
export async function startFleet({ dataDir, size, environment = {} }: FleetOptions): Promise<Fleet> {
  const start = () => serve(dataDir, environment);
  const starting = Array.from({ length: size }, start);
  let over = false;
  const up = new Map<number, Serving>((await Promise.all(starting)).map((serving, at) => [at, serving]));

  function signal(which: number, name: NodeJS.Signals): void {
    assert.ok(up.get(which)?.child.kill(name), `the server ${which} is not up`);
  }

  return {
    size,
    async url(preferred) {
      assert.ok(!over, 'the test is over');
      const serving = up.get(preferred % size) ?? up.values().next().value ?? (await Promise.any(starting));
      return serving.url;
    },
    async crash(which) {
      const victim = up.get(which);
      assert.ok(victim, `the server ${which} is not up`);
      up.delete(which);
      // Before it is dead: whoever asks from now on waits for the next one.
      const { promise, resolve, reject } = Promise.withResolvers<Serving>();
      starting[which] = promise;
      victim.child.kill('SIGKILL');
      const ended = await victim.ended;
      assert.equal(ended.signal, 'SIGKILL', `it ended by itself: ${ended.stderr}`);
      start().then(resolve, reject);
      up.set(which, await promise);
    },
    pause: (which) => signal(which, 'SIGSTOP'),
    resume: (which) => signal(which, 'SIGCONT'),
    async stop() {
      for (const [which, serving] of [...up]) {
        up.delete(which);
        const { code, stderr } = await serving.stop();
        assert.equal(code, 0, `the server ${which} did not end well: ${stderr}`);
      }
    },
    async destroy() {
      over = true;
      for (const started of await Promise.allSettled(starting)) {
        if (started.status === 'rejected') continue;
        started.value.child.kill('SIGKILL');
        await started.value.ended;
      }
    },
  };
}
