import type { Json } from '../kernel/message.ts';
import type { Checkpoint, Fence } from './coordination.ts';

/** What a read model looks like to the provider. */
export interface ReadModelShape {
  readonly name: string;
  /** Of the projection's definition: another hash is another generation. */
  readonly hash: string;
}

/** A row as the projection made it, with what the provider pages, finds and adds up by. */
export interface Row {
  readonly id: string;
  readonly value: Json;
  /** Rows page by (order, id), ascending; immutable once written. */
  readonly order: string;
  /** Equality look-ups, such as the orders of a user: name → value. */
  readonly index: Readonly<Record<string, string>>;
  /** What `search` looks into, folded already (NFKC, lower case, without accents). */
  readonly search: string;
  /** What the row adds to the totals. */
  readonly totals: Readonly<Record<string, number>>;
  /** Set when the fold threw on this row: its value is the last good one. */
  readonly faulty?: { readonly position: number; readonly cause: string };
}

/** Rows, totals and checkpoint, which land together or not at all. */
export interface ReadModelCommit {
  /** Rows to write, and ids to delete. Totals are kept by difference with what each row added before. */
  readonly upserts: readonly Row[];
  readonly deletes: readonly string[];
  readonly checkpoint: Checkpoint;
  readonly fence: Fence;
}

/** Which rows, by pages. */
export interface PageQuery {
  /** Opaque, from the page before. A malformed one is MALFORMED_REQUEST. */
  readonly cursor?: string;
  /** 1…1000. */
  readonly limit: number;
  /** Only rows whose index has this value. */
  readonly where?: { readonly index: string; readonly value: string };
}

export interface Page {
  readonly rows: readonly Row[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
}

/**
 * One generation of one read model, for the process that builds it. Only one writes at a time: the fence sees to it.
 */
export interface ReadModelGeneration {
  readonly number: number;
  /** Where the generation stands; position 0 before the first commit. */
  checkpoint(): Promise<Checkpoint>;
  /** The rows of these ids; absent ones are left out. */
  load(ids: readonly string[]): Promise<ReadonlyMap<string, Row>>;
  /** @throws FENCED when the lease has a higher token; nothing is written then. */
  commit(commit: ReadModelCommit): Promise<void>;
}

/** The rows of all projections. Every read is answered by the generation that is live. */
export interface ReadModelStore {
  /**
   * The generation to continue with: the live one when its hash is the shape's, else the one being built for this hash,
   * else a new one (which goes live at once when there was none). Idempotent.
   */
  open(shape: ReadModelShape, fence: Fence): Promise<ReadModelGeneration>;
  /** A new, empty generation of this shape, built while the live one answers. Drops one that was being built before. */
  begin(shape: ReadModelShape, fence: Fence): Promise<ReadModelGeneration>;
  /** Makes this generation the live one and drops the others. @throws FENCED */
  swap(name: string, generation: number, fence: Fence): Promise<void>;
  /** What is live and what is being built; undefined when the read model never was opened. */
  status(name: string): Promise<ReadModelStatus | undefined>;

  get(name: string, id: string): Promise<Row | undefined>;
  /** Costs the same at a million rows as at ten. */
  page(name: string, query: PageQuery): Promise<Page>;
  /** Rows whose search text holds `text`, in page order, at most `limit`. Reads in slices, yielding between them. */
  search(name: string, text: string, limit: number): Promise<readonly Row[]>;
  /** The sum of the rows' totals, kept incrementally. */
  totals(name: string): Promise<Readonly<Record<string, number>>>;
  /** How many rows are faulty, and the first of them. */
  faulty(name: string, limit: number): Promise<{ readonly count: number; readonly rows: readonly Row[] }>;
}

export interface ReadModelStatus {
  readonly live: { readonly generation: number; readonly hash: string; readonly checkpoint: Checkpoint };
  readonly building?: { readonly generation: number; readonly hash: string; readonly checkpoint: Checkpoint };
}
