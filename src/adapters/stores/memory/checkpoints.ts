import type { Checkpoint, CheckpointStore, Fence } from '../../../ports/coordination.ts';

export function memoryCheckpoints(
  checkpoints: Map<string, Checkpoint>,
  assertFence: (fence: Fence) => void,
  assertOpen: () => void,
): CheckpointStore {
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
