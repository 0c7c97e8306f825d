import type { EventId } from '../../../kernel/message.ts';
import type { SnapshotStore } from '../../../ports/event-store.ts';
import type { Database } from './database.ts';
import { keyText } from './key-text.ts';

/** How many are kept per stream and machine hash. */
const kept = 2;

const lastVersion = 2 ** 31 - 1;

/** The last two of each stream and machine hash. */
export function postgresqlSnapshots(db: Database): SnapshotStore {
  const save = db.prepare(
    'SELECT $.save_snapshots($1::text[], $2::text[], $3::text[], $4::integer[], $5::text[], $6::text[])',
  );
  const latest = db.prepare<[version: number, eventId: EventId, state: string]>(`SELECT version, event_id, state
    FROM $.snapshots WHERE stream = (SELECT key FROM $.streams WHERE type = $1 AND id = $2) AND machine_hash = $3
      AND version <= $4::integer ORDER BY version DESC LIMIT 1`);
  const forget = db.prepare(`DELETE FROM $.snapshots
    WHERE stream = (SELECT key FROM $.streams WHERE type = $1 AND id = $2)`);
  return {
    async save(snapshots) {
      db.assertOpen();
      if (snapshots.length === 0) return;
      await save(
        snapshots.map(({ stream }) => stream.type),
        snapshots.map(({ stream }) => stream.id),
        snapshots.map(({ machineHash }) => keyText(machineHash)),
        snapshots.map(({ version }) => version),
        snapshots.map(({ eventId }) => eventId),
        snapshots.map(({ state }) => JSON.stringify(state)),
      );
    },

    async load(stream, machineHash, maxVersion = lastVersion) {
      const { type, id } = stream;
      const [row] = await latest(type, id, keyText(machineHash), Math.min(maxVersion, lastVersion));
      if (row === undefined) return undefined;
      const [version, eventId, state] = row;
      return { stream: { type, id }, machineHash, version, eventId, state: JSON.parse(state) };
    },

    async delete({ type, id }) {
      await forget(type, id);
    },
  };
}

/** Those newer than the newest that is there; in the order of their keys, so that two callers never wait for each other. */
export const snapshotFunctions = `
  CREATE FUNCTION $.save_snapshots(s_type text[], s_id text[], hashes text[], versions integer[], event_ids text[],
    states text[]) RETURNS void LANGUAGE plpgsql AS $body$
  DECLARE
    keys CONSTANT bigint[] := $.stream_keys(s_type, s_id);
  BEGIN
    INSERT INTO $.snapshots (stream, machine_hash, version, event_id, state)
      SELECT keys[w.at], w.hash, w.version, w.event_id, w.state
      FROM unnest(hashes, versions, event_ids, states) WITH ORDINALITY AS w(hash, version, event_id, state, at)
      WHERE w.version > coalesce((SELECT max(n.version) FROM $.snapshots n
        WHERE n.stream = keys[w.at] AND n.machine_hash = w.hash), 0)
      ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING;
    DELETE FROM $.snapshots WHERE ctid = ANY (ARRAY(SELECT o.ctid FROM unnest(hashes) WITH ORDINALITY AS w(hash, at)
      CROSS JOIN LATERAL (SELECT n.ctid FROM $.snapshots n WHERE n.stream = keys[w.at] AND n.machine_hash = w.hash
        ORDER BY n.version DESC OFFSET ${kept}) o));
  END $body$;
`;
