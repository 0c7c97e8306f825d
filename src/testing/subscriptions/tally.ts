import assert from 'node:assert/strict';
import type { RecordedEvent } from '../../kernel/message.ts';
import type { Store } from '../../ports/store.ts';
import { defineProjection, type ProjectionDefinition } from '../../runtime/define.ts';
import { collect } from '../store-fixtures.ts';
import { logOf } from './world.ts';

/** A row per stream that remembers which versions it folded: a gap or a repeat shows. */
export interface TallyRow {
  readonly id: string;
  readonly versions: readonly number[];
}

export function tally(
  name: string,
  more: Partial<ProjectionDefinition<TallyRow>> & { readonly failing?: (event: RecordedEvent) => boolean } = {},
): ProjectionDefinition {
  const { failing, ...changed } = more;
  return defineProjection<TallyRow>({
    name,
    on: ['*.Happened'],
    key: ({ stream }) => stream.id,
    fold(row, { stream, version, ...event }) {
      if (failing?.({ stream, version, ...event })) throw new Error('a fold that fails');
      return { id: stream.id, versions: [...(row?.versions ?? []), version] };
    },
    totals: ({ versions }) => ({ rows: 1, events: versions.length }),
    search: ({ id }) => id,
    ...changed,
  });
}

/** Fails unless rows and totals are what folding the log gives. */
export async function assertFoldOfLog(store: Store, name: string): Promise<void> {
  const expected = new Map<string, number[]>();
  for (const { stream, version } of (await logOf(store)).filter(({ type }) => type === 'Happened')) {
    expected.set(stream.id, [...(expected.get(stream.id) ?? []), version]);
  }
  const rows = await collect(allRows(store, name));
  assert.deepEqual(new Map(rows.map(({ id, versions }) => [id, versions])), expected);
  const events = [...expected.values()].reduce((sum, versions) => sum + versions.length, 0);
  const { rows: countedRows = 0, events: countedEvents = 0 } = await store.readModels.totals(name);
  assert.deepEqual([countedRows, countedEvents], [expected.size, events]);
}

async function* allRows(store: Store, name: string): AsyncGenerator<TallyRow> {
  let cursor: string | undefined;
  do {
    const page = await store.readModels.page(name, { limit: 1000, ...(cursor === undefined ? {} : { cursor }) });
    for (const { value } of page.rows) yield value as unknown as TallyRow;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}
