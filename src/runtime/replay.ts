import type { StreamId } from '../kernel/message.ts';

/** Where a replay begins; inclusive. */
export type ReplayFrom =
  | { readonly position: number }
  /** ISO 8601, of `recordedAt`. */
  | { readonly time: string }
  | { readonly stream: StreamId; readonly version: number };

export interface ReplayStatus {
  readonly id: string;
  readonly subscription: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly handled: number;
  /** The position reached and the one it ends at: the head when it began. */
  readonly position: number;
  readonly until: number;
  readonly error?: string;
}

/** Re-delivers recorded events into a grouped subscription, by a cursor of its own: the live one never moves. */
export interface Replays {
  /** @throws UNKNOWN_SUBSCRIPTION */
  start(request: { readonly subscription: string; readonly from: ReplayFrom }): Promise<ReplayStatus>;
  list(): readonly ReplayStatus[];
  /** Resolves when it has ended. @throws NOT_FOUND */
  finished(id: string, onProgress?: (status: ReplayStatus) => void): Promise<ReplayStatus>;
}
