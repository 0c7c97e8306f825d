import assert from 'node:assert/strict';
import { notification } from '../../machines/notification.machine.ts';
import { orderIn } from '../../machines/order.machine.ts';
import { user } from '../../machines/user.machine.ts';
import { defineAggregate } from '../../src/kernel/decider.ts';
import type { RecordedEvent } from '../../src/kernel/message.ts';
import type { Store } from '../../src/ports/store.ts';
import { absent, fold, hydrate } from '../../src/runtime/hydrate.ts';
import { streamKey } from '../../src/runtime/keyed-queue.ts';
import type { Answered } from './caller.ts';

/** The log is dense, and every stream in it is whole: nothing twice, nothing half, nothing left out. */
export function checkLog(log: readonly RecordedEvent[]): void {
  log.forEach(({ position }, at) => {
    assert.equal(position, at + 1);
  });
  assert.equal(new Set(log.map(({ id }) => id)).size, log.length, 'an event id is there twice');
  for (const [key, events] of Map.groupBy(log, ({ stream }) => streamKey(stream))) {
    events.forEach(({ version }, at) => {
      assert.equal(version, at + 1, `${key} has a gap or a repeat`);
    });
    for (const [commandId, set] of Map.groupBy(events, ({ meta }) => meta.commandId)) {
      const [first] = set;
      set.forEach(({ position }, at) => {
        assert.equal(position, Number(first?.position) + at, `${key} holds what ${commandId} did twice`);
      });
    }
  }
}

/**
 * What the clients were told is what the log holds of users and orders, neither more nor less: each command accepted is
 * there once, each command refused left nothing.
 */
export function checkAnswers(log: readonly RecordedEvent[], answers: readonly Answered[]): void {
  const byCommand = Map.groupBy(
    log.filter(({ stream }) => stream.type !== 'Notification'),
    ({ stream, meta }) => `${stream.id} ${meta.commandId}`,
  );
  for (const { path, body } of answers) {
    const key = `${body.aggregateId} ${body.commandId}`;
    const there = byCommand.get(key) ?? [];
    byCommand.delete(key);
    const told = (body.events ?? []).map(({ id, type, version }) => ({ id, type, version }));
    assert.deepEqual(
      there.map(({ id, type, version }) => ({ id, type, version })),
      told,
      `${path}: ${JSON.stringify(body)}`,
    );
    if (told.length === 0) continue;
    assert.deepEqual([there.at(-1)?.version, there.at(-1)?.position], [body.version, body.position], path);
  }
  assert.deepEqual([...byCommand.keys()], [], 'the log holds what no client was told');
}

/** Hydration, by snapshot and tail, gives what the whole history gives; and the claims are those of the states. */
export async function checkAggregates(store: Store, log: readonly RecordedEvent[]): Promise<void> {
  const aggregates = new Map([user, orderIn('EUR'), notification].map((each) => [each.name, defineAggregate(each)]));
  const { events, snapshots } = store;
  let fromSnapshot = 0;
  for (const history of Map.groupBy(log, ({ stream }) => streamKey(stream)).values()) {
    const [{ stream }] = history as [RecordedEvent];
    const aggregate = aggregates.get(stream.type);
    assert.ok(aggregate, stream.type);
    const whole = history.reduce((from, event) => fold(aggregate, from, event), absent(aggregate));
    const hydrated = await hydrate(aggregate, stream, { events, snapshots, snapshotEvery: 10 });
    assert.deepEqual(
      { ...hydrated, state: aggregate.persist(hydrated.state) },
      { ...whole, state: aggregate.persist(whole.state) },
    );
    const claims = aggregate.claims(whole.state);
    const holders = await events.claimHolders(claims);
    for (const claim of claims) assert.deepEqual(holders.get(claim), stream, claim);
    if ((await snapshots.load(stream, aggregate.hash)) !== undefined) fromSnapshot += 1;
  }
  assert.ok(fromSnapshot > 0, 'no snapshot was made: the load is too small to show anything of them');
}
