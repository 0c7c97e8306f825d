import { toJson } from '../kernel/codec.ts';
import { failure } from '../kernel/errors.ts';
import type { Json, RecordedEvent } from '../kernel/message.ts';
import type { ReadModelCommit, Row } from '../ports/read-model.ts';
import type { ProjectionDefinition } from './define.ts';
import { foldText } from './fold-text.ts';

/** An event with the row that it touches. */
export interface KeyedEvent {
  readonly event: RecordedEvent;
  readonly id: string;
  /** What `key` threw; the id is then the row that says so. */
  readonly fault?: unknown;
}

/** What a batch of events changes. */
export interface Folded extends Pick<ReadModelCommit, 'upserts' | 'deletes'> {
  /** How many rows became faulty. */
  readonly faults: number;
}

/** The events that touch a row, in order. Pure. */
export function keyedEvents(definition: ProjectionDefinition, events: readonly RecordedEvent[]): readonly KeyedEvent[] {
  return events.flatMap((event): readonly KeyedEvent[] => {
    try {
      const id = definition.key(event);
      return id === null ? [] : [{ event, id: String(id) }];
    } catch (fault) {
      return [{ event, id: `no key: ${event.stream.type} ${event.stream.id}`, fault }];
    }
  });
}

/**
 * Folds events over the rows they touch. Pure. A fold that throws leaves its row as it was, marked; a marked row takes
 * no more events until the read model is rebuilt.
 * @param stored the rows as they are; those absent have none.
 */
export function foldBatch(
  definition: ProjectionDefinition,
  keyed: readonly KeyedEvent[],
  stored: ReadonlyMap<string, Row>,
): Folded {
  const touched = new Map<string, Row | null>();
  let faults = 0;
  for (const { event, id, fault } of keyed) {
    const inBatch = touched.get(id);
    const row = inBatch === undefined ? (stored.get(id) ?? null) : inBatch;
    if (row?.faulty !== undefined) continue;
    try {
      if (fault !== undefined) throw fault;
      const value = definition.fold(row?.value ?? null, event);
      touched.set(id, value === null ? null : rowOf(definition, id, toJson(value, 'row'), row));
    } catch (error) {
      faults += 1;
      touched.set(id, { ...(row ?? emptyRow(id)), faulty: { position: event.position, cause: String(error) } });
    }
  }
  const upserts: Row[] = [];
  const deletes: string[] = [];
  for (const [id, row] of touched) {
    if (row !== null) upserts.push(row);
    else if (stored.has(id)) deletes.push(id);
  }
  return { upserts, deletes, faults };
}

function rowOf(definition: ProjectionDefinition, id: string, value: Json, before: Row | null): Row {
  return {
    id,
    value,
    order: before?.order ?? definition.order?.(value) ?? '',
    index: definition.index?.(value) ?? {},
    search: foldText(definition.search?.(value) ?? ''),
    totals: addable(definition.totals?.(value) ?? {}),
  };
}

/** One NaN would spoil the sum of all rows for good. */
function addable(totals: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  for (const [name, amount] of Object.entries(totals)) {
    if (!Number.isFinite(amount)) {
      throw failure('HANDLER_FAILED', { expected: `a finite number as the total ${name}`, found: String(amount) });
    }
  }
  return totals;
}

/** Of a row whose first event could not be folded: queries don't show it. */
const emptyRow = (id: string): Row => ({ id, value: null, order: '', index: {}, search: '', totals: {} });
