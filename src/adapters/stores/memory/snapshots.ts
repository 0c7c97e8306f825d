import type { EventId, StreamId } from '../../../kernel/message.ts';
import type { SnapshotStore } from '../../../ports/event-store.ts';
import { createTable } from './table.ts';

interface StoredSnapshot {
  readonly version: number;
  readonly eventId: EventId;
  readonly text: string;
}

const kept = 2;

/** The last two of each stream and machine hash, the latest first. */
export function memorySnapshots(assertOpen: () => void): SnapshotStore {
  const streams = createTable<Map<string, readonly StoredSnapshot[]>>();
  return {
    async save(snapshots) {
      assertOpen();
      // All that can throw comes before the first change.
      const texts = snapshots.map(({ state }) => JSON.stringify(state));
      for (const [at, { stream, machineHash, version, eventId }] of snapshots.entries()) {
        const hashes = streams.getOrMake(stream, () => new Map());
        const [latest, ...older] = hashes.get(machineHash) ?? [];
        if (latest && latest.version >= version) continue;
        const all = [{ version, eventId, text: texts[at] ?? '' }, ...(latest ? [latest] : []), ...older];
        hashes.set(machineHash, all.slice(0, kept));
      }
    },

    async load(stream, machineHash, maxVersion = Number.POSITIVE_INFINITY) {
      assertOpen();
      const found = streams
        .get(stream)
        ?.get(machineHash)
        ?.find(({ version }) => version <= maxVersion);
      if (!found) return undefined;
      const { version, eventId, text } = found;
      return { stream: copyOf(stream), machineHash, version, eventId, state: JSON.parse(text) };
    },

    async delete(stream) {
      assertOpen();
      streams.delete(stream);
    },
  };
}

const copyOf = ({ type, id }: StreamId): StreamId => ({ type, id });
