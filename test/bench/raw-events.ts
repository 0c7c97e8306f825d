import { freshId } from '../../src/kernel/fresh-id.ts';

/** How many events a raw run writes, and how many at once. */
export const rawEvents = 50_000;
export const rawBatch = 100;

/** What an event of the benchmark's commands is in a store, its texts made before any clock starts. */
export interface RawEvent {
  readonly position: number;
  readonly streamId: string;
  /** From 1. */
  readonly streamNumber: number;
  readonly version: number;
  readonly id: string;
  /** Of the command that made it, which is its correlation id as well. */
  readonly commandId: string;
  readonly type: string;
  readonly meta: string;
  readonly data: string;
  readonly recordedAt: string;
}

/** As long as the fingerprints of commands are. */
export const rawFingerprint = 'x'.repeat(43);

/** All events of a run, in batches: five a stream, as the commands make them. */
export function rawBatches(): readonly (readonly RawEvent[])[] {
  const recordedAt = '2026-01-02T03:04:05.678Z';
  const data = JSON.stringify({ firstName: 'Ada', lastName: 'Lovelace', updatedAt: recordedAt });
  return Array.from({ length: rawEvents / rawBatch }, (_, round) =>
    Array.from({ length: rawBatch }, (_, at) => {
      const commandId = freshId();
      const meta = { occurredAt: recordedAt, commandId, correlationId: commandId, causationId: commandId, schema: 1 };
      return {
        position: round * rawBatch + at + 1,
        streamId: `user-${Math.floor(round / 5) * rawBatch + at}`,
        streamNumber: Math.floor(round / 5) * rawBatch + at + 1,
        version: (round % 5) + 1,
        id: freshId(),
        commandId,
        type: 'UserProfileUpdated',
        meta: JSON.stringify({ ...meta, source: 'bench' }),
        data,
        recordedAt,
      };
    }),
  );
}
