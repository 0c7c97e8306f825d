import type { NewEvent, StreamId } from '../../../kernel/message.ts';
import type { TypeKey } from './batch.ts';
import type { Database } from './database.ts';

/** The types of events, per type of stream, as the small numbers that the log holds in their place. */
export interface EventTypes {
  /** The numbers of all these events' types; those not met before are asked for first, and made where there are none. */
  keysFor(parts: readonly { readonly stream: StreamId; readonly events: readonly NewEvent[] }[]): Promise<TypeKey>;
  /** How many there are. */
  count(): Promise<number>;
}

export function postgresqlEventTypes(db: Database): EventTypes {
  const ask = db.prepare<[keys: readonly number[]]>('SELECT $.event_type_keys($1::text[], $2::text[])');
  const countAll = db.prepare<[count: number]>('SELECT count(*) FROM $.event_types');
  // A number never changes and is never given twice.
  const known = new Map<string, Map<string, number>>();

  const learn = async (unknown: ReadonlyMap<string, ReadonlySet<string>>) => {
    const pairs = [...unknown].flatMap(([streamType, types]) => [...types].map((type) => [streamType, type] as const));
    const [row] = await ask(
      pairs.map(([streamType]) => streamType),
      pairs.map(([, type]) => type),
    );
    for (const [at, [streamType, type]] of pairs.entries()) {
      const keys = known.get(streamType) ?? new Map<string, number>();
      known.set(streamType, keys);
      keys.set(type, row?.[0][at] ?? 0);
    }
  };

  return {
    async keysFor(parts) {
      const unknown = new Map<string, Set<string>>();
      for (const { stream, events } of parts) {
        const keys = known.get(stream.type);
        for (const { type } of events) {
          if (keys?.has(type)) continue;
          const types = unknown.get(stream.type) ?? new Set();
          unknown.set(stream.type, types.add(type));
        }
      }
      if (unknown.size > 0) await learn(unknown);
      return (streamType, type) => known.get(streamType)?.get(type) ?? 0;
    },

    count: async () => (await countAll())[0]?.[0] ?? 0,
  };
}
