import assert from 'node:assert/strict';
import { ordersProjection } from '../../src/app/orders.projection.ts';
import { usersProjection } from '../../src/app/users.projection.ts';
import type { Json, RecordedEvent } from '../../src/kernel/message.ts';
import { matchesPattern } from '../../src/ports/event-bus.ts';
import type { Store } from '../../src/ports/store.ts';
import type { ProjectionDefinition } from '../../src/runtime/define.ts';
import { allPages } from '../../src/testing/stores/read-model-rows.ts';

/** Rows, their order and totals are what the definitions make of the log from its beginning. */
export async function checkReadModels(store: Store, log: readonly RecordedEvent[]): Promise<void> {
  for (const definition of [usersProjection, ordersProjection]) {
    const rows = freshFold(definition, log);
    const status = await store.readModels.status(definition.name);
    assert.equal(status?.live.checkpoint.position, log.length, `${definition.name} is not at the log's end`);
    const stored = await allPages(store, definition.name, { limit: 1000 });
    assert.deepEqual(new Map(stored.map(({ id, value }) => [id, value])), rows, definition.name);
    assert.equal(stored.length, rows.size);
    assert.deepEqual(await store.readModels.totals(definition.name), totalsOf(definition, rows), definition.name);
  }
}

function freshFold(definition: ProjectionDefinition, log: readonly RecordedEvent[]): ReadonlyMap<string, Json> {
  const rows = new Map<string, Json>();
  for (const event of log) {
    if (!definition.on.some((pattern) => matchesPattern(pattern, event.stream.type, event.type))) continue;
    const id = definition.key(event);
    if (id === null) continue;
    const row = definition.fold(rows.get(id) ?? null, event);
    if (row === null) rows.delete(id);
    else rows.set(id, row);
  }
  return rows;
}

function totalsOf({ totals }: ProjectionDefinition, rows: ReadonlyMap<string, Json>): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const row of rows.values()) {
    for (const [name, amount] of Object.entries(totals?.(row) ?? {})) sums[name] = (sums[name] ?? 0) + amount;
  }
  return sums;
}
