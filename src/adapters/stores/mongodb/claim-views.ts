import type { StreamId } from '../../../kernel/message.ts';
import type { Documents } from './documents.ts';
import type { KeyFilter } from './key-filter.ts';

/** Who held a claim as of a commit, found by the claim and a number: 1, 2, 3 … Written once, after the commit. */
export interface ClaimDocument {
  readonly _id: string;
  readonly claim: string;
  readonly n: number;
  /** JSON of the stream's type and id; empty when nobody held it. */
  readonly holder: string;
  /** The first of its claim, for who goes through all claims. */
  readonly first: boolean;
}

/** What is known of one claim. */
export interface ClaimView {
  readonly claim: string;
  loaded: boolean;
  loading: number;
  holder: StreamId | undefined;
  /** The last commit that changed it, of those that were read. */
  changed: number;
  docs: number;
  indexed: number;
  /** It was forgotten: whoever needs it must ask for it anew. */
  forgotten: boolean;
}

export interface ClaimViews {
  of(claim: string): ClaimView;
  load(view: ClaimView): Promise<void>;
  catchUp(view: ClaimView): Promise<void>;
  forget(view: ClaimView): void;
  trim(): void;
}

const maxClaims = 200_000;

export const claimKey = (claim: string): string => JSON.stringify(claim);

export const claimDocumentId = (claim: string, number: number): string =>
  `${claimKey(claim)}|${String(number).padStart(9, '0')}`;

export function createClaimViews(documents: Documents<ClaimDocument>, filter: KeyFilter): ClaimViews {
  const views = new Map<string, ClaimView>();

  const read = async (view: ClaimView) => {
    view.loading += 1;
    try {
      for (;;) {
        const number = view.docs + 1;
        const doc = await documents.get(claimDocumentId(view.claim, number));
        if (doc === undefined) break;
        if (view.docs + 1 !== number) continue;
        view.docs = number;
        view.indexed = Math.max(view.indexed, doc.n);
        if (doc.n >= view.changed) {
          view.holder = holderOf(doc);
          view.changed = doc.n;
        }
      }
      view.loaded = true;
    } finally {
      view.loading -= 1;
    }
  };

  return {
    of(claim) {
      const known = views.get(claim);
      if (known) {
        views.delete(claim);
        views.set(claim, known);
        return known;
      }
      const view: ClaimView = {
        claim,
        loaded: false,
        loading: 0,
        holder: undefined,
        changed: 0,
        docs: 0,
        indexed: 0,
        forgotten: false,
      };
      views.set(claim, view);
      return view;
    },

    async load(view) {
      if (view.loaded) return;
      if (filter.mayHave(claimKey(view.claim))) return read(view);
      view.loaded = true;
    },

    catchUp: read,

    forget(view) {
      view.forgotten = true;
      if (views.get(view.claim) === view) views.delete(view.claim);
    },

    trim() {
      for (const view of views.values()) {
        if (views.size <= maxClaims) return;
        if (view.loading > 0 || view.changed > view.indexed) continue;
        view.forgotten = true;
        views.delete(view.claim);
      }
    },
  };
}

export function holderOf({ holder }: ClaimDocument): StreamId | undefined {
  if (holder === '') return undefined;
  const [type, id] = JSON.parse(holder) as [string, string];
  return { type, id };
}
