import type { EventId, StreamId } from '../../../kernel/message.ts';
import type { Snapshot, SnapshotStore } from '../../../ports/event-store.ts';
import { streamKey } from './commit-documents.ts';
import type { Connection } from './connection.ts';
import type { Documents } from './documents.ts';

/** The last snapshots of one stream and machine, the latest first. */
export interface SnapshotDocument {
  readonly _id: string;
  readonly states: readonly StoredState[];
}

interface StoredState {
  readonly version: number;
  readonly eventId: string;
  /** JSON. */
  readonly state: string;
}

/** How many are kept per stream and machine hash. */
const kept = 2;

/** A document has 16 MB at most; a larger state is not kept: losing a snapshot costs time only. */
const maxBytes = 15_000_000;

/** A cache: of two saves at once one may be lost. */
export function mongodbSnapshots(connection: Connection, documents: Documents<SnapshotDocument>): SnapshotStore {
  const { call } = connection;
  return {
    save: (snapshots) => {
      connection.assertOpen();
      const encoded = snapshots.map(encode);
      return call(async () => {
        const found = await Promise.all(encoded.map(({ _id }) => documents.get(_id)));
        const docs = encoded.flatMap((doc, at) => {
          const [state] = doc.states;
          const before = found[at]?.states ?? [];
          if (state === undefined || state.version <= (before[0]?.version ?? 0)) return [];
          return fitting({ ...doc, states: [state, ...before].slice(0, kept) });
        });
        await documents.replace(docs);
      });
    },

    load: (stream, machineHash, maxVersion = Number.MAX_SAFE_INTEGER) =>
      call(async () => {
        const doc = await documents.get(snapshotId(stream, machineHash));
        const found = doc?.states.find(({ version }) => version <= maxVersion);
        if (!found) return undefined;
        const { version, eventId, state } = found;
        const { type, id } = stream;
        return { stream: { type, id }, machineHash, version, eventId: eventId as EventId, state: JSON.parse(state) };
      }),

    delete: (stream) => call(() => documents.removeByPrefix(`${streamKey(stream)}|`)),
  };
}

const snapshotId = (stream: StreamId, machineHash: string) => `${streamKey(stream)}|${machineHash}`;

function encode({ stream, machineHash, version, eventId, state }: Snapshot): SnapshotDocument {
  const states = [{ version, eventId, state: JSON.stringify(state) }];
  return { _id: snapshotId(stream, machineHash), states };
}

/** As many of the states as a document takes. */
function fitting(doc: SnapshotDocument): readonly SnapshotDocument[] {
  let bytes = 0;
  const states = doc.states.filter(({ state }) => {
    bytes += Buffer.byteLength(state);
    return bytes <= maxBytes;
  });
  return states.length === 0 ? [] : [{ ...doc, states }];
}
