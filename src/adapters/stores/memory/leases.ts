import type { Fence, LeaseRecord, LeaseStore } from '../../../ports/coordination.ts';
import { checkFence } from '../fence.ts';

export interface MemoryLeases {
  readonly store: LeaseStore;
  /** @throws FENCED when the lease has a higher token than the fence */
  assertFence(fence: Fence): void;
}

const nobody: LeaseRecord = Object.freeze({ token: 0, beat: 0 });

export function memoryLeases(assertOpen: () => void): MemoryLeases {
  const leases = new Map<string, LeaseRecord>();
  const read = (name: string) => leases.get(name) ?? nobody;
  const isHeld = (record: LeaseRecord, { token }: Fence) => record.token === token && record.holder !== undefined;
  return {
    store: {
      async read(name) {
        assertOpen();
        return read(name);
      },

      async take(name, holder, seen) {
        assertOpen();
        const { token, beat } = read(name);
        if (token !== seen.token || beat !== seen.beat) return { taken: false, record: read(name) };
        const record = Object.freeze({ token: token + 1, beat, holder });
        leases.set(name, record);
        return { taken: true, record };
      },

      async beat(fence) {
        assertOpen();
        const record = read(fence.lease);
        if (!isHeld(record, fence)) return false;
        leases.set(fence.lease, Object.freeze({ ...record, beat: record.beat + 1 }));
        return true;
      },

      async release(fence) {
        assertOpen();
        const record = read(fence.lease);
        if (isHeld(record, fence)) leases.set(fence.lease, Object.freeze({ token: record.token, beat: record.beat }));
      },
    },

    assertFence(fence) {
      checkFence(fence, read(fence.lease).token);
    },
  };
}
