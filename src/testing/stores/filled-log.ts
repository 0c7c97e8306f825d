import assert from 'node:assert/strict';
import type { Cursor, CursorState } from '../../ports/coordination.ts';
import type { Store } from '../../ports/store.ts';
import { commit, newCommand, newEvent, newEvents, oddTexts } from '../store-fixtures.ts';

const parked: CursorState = {
  kind: 'parked',
  id: 'letter-1',
  eventId: newEvent().id,
  eventType: 'Happened',
  position: 2,
  code: 'CHANNEL_REJECTED',
  cause: 'No such mailbox: „Ω“.',
  attempts: 3,
  parkedAt: '2026-01-02T03:04:05.678Z',
};

/** Moves a cursor, twice, so that its revision is not its version. */
export async function place(store: Store, subscription: string, id: string, version: number, state: CursorState) {
  const [from] = await store.cursors.load(subscription, [{ type: 'Account', id }]);
  assert.ok(from);
  const [first] = await store.cursors.advance([{ from, version: 1, state: { kind: 'live' } }]);
  assert.ok(first?.moved);
  const [second] = await store.cursors.advance([{ from: first.cursor, version, state }]);
  assert.ok(second?.moved);
  return second.cursor;
}

/** A log with a bit of everything: 3 events in each of many streams, refusals, claims, cursors, an archived stream. */
export async function fillLog(store: Store): Promise<{ readonly cursors: readonly Cursor[] }> {
  const ids = [...Array.from({ length: 20 }, (_, at) => `account-${at}`), ...oddTexts];
  for (const id of ids) {
    const stream = { type: 'Account', id };
    const opened = newEvent('Opened', { id }, { userId: 'ada', schema: 2 });
    await commit(store, stream, 'none', [opened], { command: newCommand(), take: [`email:${id}`] });
    await commit(store, stream, 1, newEvents(2), { command: newCommand({ fingerprint: id }), take: [`name:${id}`] });
    const refused = { code: 'CLOSED', because: `„${id}“ is closed.`, commands: [{ type: 'Open' }] };
    await commit(store, stream, 3, [], { command: newCommand({ refused }), release: [`name:${id}`] });
  }
  await commit(store, { type: 'Nobody', id: '1' }, 'none', [], { command: newCommand(), take: ['email:nobody'] });
  const archived = { type: 'Account', id: 'account-3' };
  assert.ok(await store.events.archive(archived, await store.events.streamHead(archived)));
  const fence = { lease: 'relay', token: (await store.leases.take('relay', 'a', { token: 0, beat: 0 })).record.token };
  await store.checkpoints.save('relay', { position: 17, eventId: newEvent().id }, fence);
  await store.checkpoints.save('low-water:mails', { position: 0 }, fence);
  return {
    cursors: [
      await place(store, 'mails', 'account-1', 3, { kind: 'live' }),
      await place(store, 'mails', 'account-2', 2, { kind: 'redriving' }),
      await place(store, 'mails', 'account-4', 1, parked),
      await place(store, 'pushes', 'account-4', 2, { kind: 'live' }),
    ],
  };
}
