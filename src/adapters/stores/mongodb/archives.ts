import { Binary } from 'mongodb';
import type { RecordedEvent, StreamId } from '../../../kernel/message.ts';
import { createUnpacker, type PackedEvents, type Payload, packEvents } from '../archive-codec.ts';
import type { Chain } from './chain.ts';
import { decodeCommit, eventsOf, streamKey } from './commit-documents.ts';
import type { Documents } from './documents.ts';

/** Payloads of a stream's events, packed; found by the stream and a number: 1, 2, 3 …, each continuing the one before. */
export interface ArchiveDocument {
  readonly _id: string;
  readonly from: number;
  readonly to: number;
  readonly bytes: Binary;
}

export interface Archives {
  /** Of an event whose payload is in no commit. @throws STORE_CORRUPT */
  payload(stream: StreamId, version: number): Promise<Payload>;
  /** Packs the events after those that are packed. */
  pack(stream: StreamId, read: (from: number) => AsyncIterable<RecordedEvent>): Promise<void>;
  /** Takes the payloads that are packed out of the commits of these numbers. */
  strip(stream: StreamId, numbers: readonly number[]): Promise<void>;
}

const archiveId = (stream: StreamId, number: number) => `${streamKey(stream)}|${String(number).padStart(9, '0')}`;

export function createArchives(documents: Documents<ArchiveDocument>, chain: Chain): Archives {
  const unpacker = createUnpacker();

  async function* packs(stream: StreamId): AsyncGenerator<ArchiveDocument, void, undefined> {
    for (let number = 1; ; number += 1) {
      const doc = await documents.get(archiveId(stream, number));
      if (doc === undefined) return;
      yield doc;
    }
  }

  const packed = async (stream: StreamId) => {
    let count = 0;
    let to = 0;
    for await (const doc of packs(stream)) {
      count += 1;
      to = doc.to;
    }
    return { count, to };
  };

  return {
    async payload(stream, version) {
      const known = unpacker.find(stream, version);
      if (known) return known;
      let found: PackedEvents | undefined;
      for await (const { from, to, bytes } of packs(stream)) {
        if (version < from || version > to) continue;
        found = { from, to, bytes: bytes.value() };
        break;
      }
      return unpacker.open(stream, version, found);
    },

    async pack(stream, read) {
      let { count, to: reached } = await packed(stream);
      for await (const { from, to, bytes } of packEvents(read(reached + 1))) {
        const doc = { _id: archiveId(stream, count + 1), from, to, bytes: new Binary(bytes) };
        // Another packs the same stream: it does what is left, or leaves it to who comes next.
        if (!(await documents.insert(doc)).inserted) return;
        count += 1;
        reached = to;
      }
    },

    async strip(stream, numbers) {
      const { to } = await packed(stream);
      for (const number of numbers) {
        const doc = await chain.raw(number);
        if (doc === undefined) continue;
        const payloads = [...doc.payloads];
        for (const { event } of eventsOf(decodeCommit(doc), stream)) {
          if (event.version <= to) payloads[event.position - doc.position - 1] = '';
        }
        if (payloads.some((payload, at) => payload !== doc.payloads[at])) await chain.strip({ ...doc, payloads });
      }
    },
  };
}
