import type { LeaseRecord, LeaseStore } from '../../../ports/coordination.ts';
import type { Database } from './database.ts';
import { keyText } from './key-text.ts';

type LeaseColumns = [token: number, beat: number, holder: string | null];

export function postgresqlLeases(db: Database): LeaseStore {
  const find = db.prepare<LeaseColumns>('SELECT token, beat, holder FROM $.leases WHERE name = $1');
  const take = db.prepare<[taken: boolean, ...LeaseColumns]>(
    'SELECT taken, token, beat, holder FROM $.take_lease($1, $2, $3, $4)',
  );
  const beat = db.prepare(
    'UPDATE $.leases SET beat = beat + 1 WHERE name = $1 AND token = $2 AND holder IS NOT NULL RETURNING 1',
  );
  const release = db.prepare('UPDATE $.leases SET holder = NULL WHERE name = $1 AND token = $2');
  return {
    async read(name) {
      const [row] = await find(keyText(name));
      return decodeLease(row ?? [0, 0, null]);
    },

    async take(name, holder, seen) {
      const [row] = await take(keyText(name), keyText(holder), seen.token, seen.beat);
      const [taken, ...columns] = row ?? [false, 0, 0, null];
      return { taken, record: decodeLease(columns) };
    },

    beat: async ({ lease, token }) => (await beat(keyText(lease), token)).length > 0,

    async release({ lease, token }) {
      await release(keyText(lease), token);
    },
  };
}

const decodeLease = ([token, beat, holder]: LeaseColumns): LeaseRecord => ({
  token,
  beat,
  ...(holder !== null && { holder }),
});
