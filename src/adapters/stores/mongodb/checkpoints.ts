import type { Checkpoint, CheckpointStore } from '../../../ports/coordination.ts';
import type { Bindings } from './bindings.ts';
import type { Connection } from './connection.ts';
import { assertFence, type LeaseState, type LeaseStates, type NamedCheckpoint } from './lease-states.ts';

export interface MongodbCheckpoints {
  readonly store: CheckpointStore;
  all(): AsyncIterable<{ readonly name: string; readonly checkpoint: Checkpoint }>;
  /** Keeps a checkpoint that another store had, where there is none. */
  restore(name: string, checkpoint: Checkpoint): Promise<void>;
}

/** Where checkpoints are kept that came from another store, until somebody saves them under a lease. */
const restoredLease = 'restored';

/** A checkpoint is kept in the state of the lease that fences it. */
export function mongodbCheckpoints({ call }: Connection, states: LeaseStates, bindings: Bindings): MongodbCheckpoints {
  const load = async (name: string): Promise<NamedCheckpoint | undefined> => {
    const leases = await bindings.leasesOf(name);
    const found = await Promise.all(leases.map(async (lease) => find((await states.read(lease)).state, name)));
    return found.reduce((best, one) => (one && one.order > (best?.order ?? 0) ? one : best), undefined);
  };

  const put = (state: LeaseState, named: NamedCheckpoint): LeaseState => ({
    ...state,
    checkpoints: [...state.checkpoints.filter(({ name }) => name !== named.name), named],
  });

  return {
    store: {
      load: (name) => call(async () => (await load(name))?.checkpoint),

      save: (name, checkpoint, fence) =>
        call(async () => {
          const { lease } = fence;
          await bindings.bind(name, lease);
          await states.change(lease, async (now) => {
            assertFence(fence, now);
            const leases = await bindings.leasesOf(name);
            const before = leases.length > 1 ? await load(name) : find(now.state, name);
            const state = put(now.state, { name, checkpoint, order: (before?.order ?? 0) + 1 });
            return { result: undefined, state };
          });
        }),
    },

    async *all() {
      for await (const name of bindings.names()) {
        const named = await call(() => load(name));
        if (named) yield { name, checkpoint: named.checkpoint };
      }
    },

    async restore(name, checkpoint) {
      if (await load(name)) return;
      await bindings.bind(name, restoredLease);
      await states.change(restoredLease, async ({ state }) =>
        (await load(name))
          ? { result: undefined }
          : { result: undefined, state: put(state, { name, checkpoint, order: 1 }) },
      );
    },
  };
}

const find = ({ checkpoints }: LeaseState, wanted: string) => checkpoints.find(({ name }) => name === wanted);
