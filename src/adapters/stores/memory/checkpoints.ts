import type { Checkpoint, CheckpointStore, Fence } from '../../../ports/coordination.ts';

export function memoryCheckpoints(assertFence: (fence: Fence) => void, assertOpen: () => void): CheckpointStore {
  const checkpoints = new Map<string, Checkpoint>();
  return {
    async load(name) {
      assertOpen();
      return checkpoints.get(name);
    },

    async save(name, checkpoint, fence) {
      assertOpen();
      assertFence(fence);
      checkpoints.set(name, Object.freeze({ ...checkpoint }));
    },
  };
}
