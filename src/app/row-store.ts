import type { EventObject, StoreSnapshot } from '@xstate/store';
import type { RecordedEvent } from 'statewright';

/** An event as the rows' stores take it: the domain's time comes with it. */
export type RowEvent<Data> = Data & { readonly at: string };

/** The part of an @xstate/store that is pure; the store itself is never sent anything. */
interface RowStore<Row> {
  getInitialSnapshot(): StoreSnapshot<Row>;
  transition(snapshot: StoreSnapshot<Row>, event: EventObject): readonly [StoreSnapshot<Row>, ...unknown[]];
}

/** The row after the event; the same row when the store doesn't know the event. */
export function foldRow<Row>(store: RowStore<Row>, row: Row, { type, data, meta }: RecordedEvent): Row {
  const event: EventObject & RowEvent<object> = { ...(data as object), at: meta.occurredAt, type };
  const [next] = store.transition({ ...store.getInitialSnapshot(), context: row }, event);
  return next.context;
}
