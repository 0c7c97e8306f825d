import type { Database } from './database.ts';

/** Who holds what is unique; streams by number. */
export interface Claims {
  holder(claim: string): number | undefined;
  take(claim: string, stream: number): void;
  /** Does nothing when another holds it. */
  release(claim: string, stream: number): void;
}

export function sqliteClaims(db: Database): Claims {
  const holder = db.prepare<[stream: number]>('SELECT stream FROM claims WHERE claim = ?');
  const take = db.prepare('INSERT INTO claims (claim, stream) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const release = db.prepare('DELETE FROM claims WHERE claim = ? AND stream = ?');
  return {
    holder: (claim) => holder.get(claim)?.[0],
    take: (claim, stream) => void take.run(claim, stream),
    release: (claim, stream) => void release.run(claim, stream),
  };
}
