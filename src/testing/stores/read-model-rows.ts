import type { Fence } from '../../ports/coordination.ts';
import type { Page, PageQuery, ReadModelCommit, ReadModelGeneration, Row } from '../../ports/read-model.ts';
import type { Store } from '../../ports/store.ts';
import type { StoreContext } from '../store-subject.ts';
import { takeOver } from './checkpoints.suite.ts';

/** A read model that nobody else uses, opened by the holder of its lease. */
export interface OpenedModel {
  readonly store: Store;
  readonly name: string;
  readonly fence: Fence;
  readonly generation: ReadModelGeneration;
  /** Commits at the next position. */
  commit(change: Partial<ReadModelCommit>): Promise<void>;
  /** Every row, page by page. */
  all(query?: Omit<PageQuery, 'limit' | 'cursor'>, limit?: number): Promise<readonly Row[]>;
}

export async function openModel({ store, name }: StoreContext, hash = 'hash'): Promise<OpenedModel> {
  const model = name('users');
  const fence = await takeOver(store, name('lease'));
  const generation = await store.readModels.open({ name: model, hash }, fence);
  let position = 0;
  return {
    store,
    name: model,
    fence,
    generation,
    async commit(change) {
      position += 1;
      await generation.commit({ upserts: [], deletes: [], checkpoint: { position }, fence, ...change });
    },
    all: (query = {}, limit = 7) => allPages(store, model, { ...query, limit }),
  };
}

/** Follows the pages to the last. */
export async function allPages(store: Store, name: string, query: PageQuery): Promise<readonly Row[]> {
  const rows: Row[] = [];
  let page: Page | undefined;
  do {
    page = await store.readModels.page(name, { ...query, ...(page?.nextCursor && { cursor: page.nextCursor }) });
    rows.push(...page.rows);
  } while (page.nextCursor !== undefined);
  return rows;
}

/** A row in the order of its id, unless told otherwise. */
export function newRow(id: string, more: Partial<Row> = {}): Row {
  return { id, value: { id }, order: id, index: {}, search: '', totals: {}, ...more };
}

/** `row-0000`, `row-0001` … */
export const rowId = (at: number) => `row-${String(at).padStart(6, '0')}`;

/** So many rows, in order. */
export function newRows(count: number, more: (at: number) => Partial<Row> = () => ({})): readonly Row[] {
  return Array.from({ length: count }, (_, at) => newRow(rowId(at), more(at)));
}

export const idsOf = (rows: readonly Row[]) => rows.map(({ id }) => id);
