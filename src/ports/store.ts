import type { CheckpointStore, CursorStore, LeaseStore } from './coordination.ts';
import type { EventStore, SnapshotStore } from './event-store.ts';
import type { ReadModelStore } from './read-model.ts';
import type { LogTransfer } from './transfer.ts';

/** One provider of everything durable. Every adapter is one factory: `memoryStore(options)`, `sqliteStore(options)`. */
export interface Store {
  /** Such as `sqlite`. */
  readonly provider: string;
  readonly features: StoreFeatures;
  readonly events: EventStore;
  readonly snapshots: SnapshotStore;
  readonly checkpoints: CheckpointStore;
  readonly cursors: CursorStore;
  readonly leases: LeaseStore;
  readonly readModels: ReadModelStore;
  readonly transfer: LogTransfer;
  /** Resolves when the store answers. @throws STORE_UNAVAILABLE and its relatives. */
  ping(): Promise<void>;
  /** What an operator should know although the store answers, such as a server that may evict keys. Mostly empty. */
  warnings(): Promise<readonly string[]>;
  /** Waits for what is under way, then lets go. Twice is fine; any other use afterwards is STORE_CLOSED. */
  close(): Promise<void>;
}

/** What the runtime and the conformance suites ask an adapter for. */
export interface StoreFeatures {
  /** Works in this process, which does nothing else meanwhile. */
  readonly embedded: boolean;
  /** Survives the process. */
  readonly durable: boolean;
  /** Can be opened by several processes at once. */
  readonly shared: boolean;
}
