import type { StreamId } from '../../../kernel/message.ts';
import type { Database } from './database.ts';

/** Who holds what is unique; streams by number. */
export interface Claims {
  holder(claim: string): number | undefined;
  take(claim: string, stream: number): void;
  /** Does nothing when another holds it. */
  release(claim: string, stream: number): void;
  /** Some, after that one, in an order of their own. */
  page(after: HeldClaim | undefined): readonly HeldClaim[];
}

export interface HeldClaim {
  readonly claim: string;
  readonly stream: StreamId;
}

const pageClaims = 500;

export function sqliteClaims(db: Database): Claims {
  const holder = db.prepare<[stream: number]>('SELECT stream FROM claims WHERE claim = ?');
  const take = db.prepare('INSERT INTO claims (claim, stream) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const release = db.prepare('DELETE FROM claims WHERE claim = ? AND stream = ?');
  // No number is 0, so that what is greater than nothing's place is all.
  const page = db.prepare<[claim: string, type: string, id: string]>(`SELECT c.claim, s.type, s.id
    FROM claims c CROSS JOIN streams s ON s.key = c.stream
    WHERE (c.claim, c.stream) > (?, ?) ORDER BY c.claim LIMIT ${pageClaims}`);
  return {
    holder: (claim) => holder.get(claim)?.[0],
    take: (claim, stream) => void take.run(claim, stream),
    release: (claim, stream) => void release.run(claim, stream),
    page(after) {
      const rows = after ? page.all(after.claim, Number.MAX_SAFE_INTEGER) : page.all('', 0);
      return rows.map(([claim, type, id]) => ({ claim, stream: { type, id } }));
    },
  };
}
