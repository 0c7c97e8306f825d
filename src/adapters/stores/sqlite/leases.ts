import type { Fence, LeaseRecord, LeaseStore } from '../../../ports/coordination.ts';
import { checkFence } from '../fence.ts';
import type { Database } from './database.ts';

export interface SqliteLeases {
  readonly store: LeaseStore;
  /** For use inside the transaction that it guards. @throws FENCED when the lease has a higher token than the fence */
  assertFence(fence: Fence): void;
}

export function sqliteLeases(db: Database): SqliteLeases {
  const find = db.prepare<[token: number, beat: number, holder: string | null]>(
    'SELECT token, beat, holder FROM leases WHERE name = ?',
  );
  const take = db.prepare(`INSERT INTO leases (name, token, beat, holder) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET token = excluded.token, holder = excluded.holder`);
  const beat = db.prepare('UPDATE leases SET beat = beat + 1 WHERE name = ? AND token = ? AND holder IS NOT NULL');
  const release = db.prepare('UPDATE leases SET holder = NULL WHERE name = ? AND token = ?');

  const read = (name: string): LeaseRecord => {
    const [token, beat, holder] = find.get(name) ?? [0, 0, null];
    return { token, beat, ...(holder !== null && { holder }) };
  };

  return {
    store: {
      read: (name) => db.read(() => read(name)),

      take: (name, holder, seen) =>
        db.write(() => {
          const record = read(name);
          if (record.token !== seen.token || record.beat !== seen.beat) return { taken: false, record };
          take.run(name, record.token + 1, record.beat, holder);
          return { taken: true, record: read(name) };
        }),

      beat: ({ lease, token }) => db.write(() => beat.run(lease, token).changes > 0),

      async release({ lease, token }) {
        await db.write(() => release.run(lease, token));
      },
    },

    assertFence(fence) {
      checkFence(fence, read(fence.lease).token);
    },
  };
}
