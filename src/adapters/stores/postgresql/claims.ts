import type { StreamId } from '../../../kernel/message.ts';
import type { Database } from './database.ts';
import { keyText } from './key-text.ts';
import { streamNumbered } from './stream-lookup.ts';

/** Who holds what is unique; the function `append` takes and releases. */
export interface Claims {
  holders(claims: readonly string[]): Promise<ReadonlyMap<string, StreamId>>;
  /** The next ones, in the order of their keys. */
  page(after: StoredClaim | undefined): Promise<readonly StoredClaim[]>;
}

export interface StoredClaim {
  readonly key: string;
  readonly claim: string;
  readonly stream: StreamId;
}

type ClaimRow = [key: string, exact: string | null, type: string, id: string];

const sliceClaims = 1000;

export function postgresqlClaims(db: Database): Claims {
  const select = (rest: string) => db.prepare<ClaimRow>(`SELECT c.claim, c.exact, s.type, s.id FROM ${rest}`);
  const held = select(
    `(SELECT * FROM $.claims WHERE claim = ANY ($1::text[]) OFFSET 0) c, ${streamNumbered('c.stream')}`,
  );
  const page = select(`(SELECT * FROM $.claims WHERE claim > $1 ORDER BY claim LIMIT ${sliceClaims}) c
    , ${streamNumbered('c.stream')} ORDER BY c.claim`);
  return {
    async holders(claims) {
      const holders = new Map<string, StreamId>();
      for (const [key, exact, type, id] of await held(claims.map(keyText))) {
        holders.set(exact === null ? key : JSON.parse(exact), { type, id });
      }
      return holders;
    },

    async page(after) {
      const rows = await page(after?.key ?? '');
      return rows.map(([key, exact, type, id]) => ({
        key,
        claim: exact === null ? key : JSON.parse(exact),
        stream: { type, id },
      }));
    },
  };
}
