import { describe, expect, it } from 'vitest';
import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import { failure } from '../../src/kernel/errors.ts';
import type { CommandId, EventId, NewEvent } from '../../src/kernel/message.ts';
import type { AppendEntry, EventStore } from '../../src/ports/event-store.ts';
import type { Store } from '../../src/ports/store.ts';
import { createSimulatedClock } from '../../src/testing/simulated-clock.ts';
import { commandRig, historyOf } from './rig.ts';

const id = (text: string) => text as CommandId;
const stream = { type: 'Account', id: 'a' };

describe('an aggregate actor', () => {
  it('answers an accepted command with its version, position and events', async () => {
    const { send, history } = commandRig();
    const opened = await send('a', 'Open', { name: 'Ada' });
    expect(opened).toMatchObject({ status: 'accepted', aggregateId: 'a', version: 1, position: 1 });
    const split = await send('a', 'Split', { amount: 3 });
    expect(split).toMatchObject({
      status: 'accepted',
      version: 4,
      position: 4,
      events: [{ version: 2 }, { version: 3 }, { version: 4 }],
    });
    expect(await history('a')).toEqual([
      ...(opened.status === 'accepted' ? opened.events : []),
      ...(split.status === 'accepted' ? split.events : []),
    ]);
  });

  it('handles a thousand commands in flight in their order, sharing appends', async () => {
    const appends: number[] = [];
    const store = withAppend((entries, append) => {
      appends.push(entries.length);
      return append(entries);
    });
    const { send, history } = commandRig({ store });
    const answers = await Promise.all([
      send('a', 'Open', { name: 'Ada' }),
      ...Array.from({ length: 999 }, (_, amount) => send('a', 'Deposit', { amount })),
    ]);
    expect(answers.map(({ version }) => version)).toEqual(Array.from({ length: 1000 }, (_, n) => n + 1));
    expect((await history('a')).slice(1).map(({ data }) => data)).toEqual(
      Array.from({ length: 999 }, (_, amount) => ({ amount })),
    );
    expect(appends.length).toBeLessThan(20);
  });

  it('refuses with a code, a reason and what would be legal, and appends nothing', async () => {
    const { send, history } = commandRig();
    expect(await send('a', 'Deposit', { amount: 1 })).toMatchObject({
      status: 'refused',
      code: 'NOT_FOUND',
      version: 0,
    });
    await send('a', 'Open', { name: 'Ada' });
    const refused = await send('a', 'Open', { name: 'Ada' });
    expect(refused).toMatchObject({
      status: 'refused',
      code: 'ALREADY_OPEN',
      because: 'The account is open already.',
      version: 1,
    });
    expect(refused.status === 'refused' && refused.commands.find(({ type }) => type === 'Deposit')).toEqual({
      type: 'Deposit',
      verdict: 'accepted',
    });
    expect(await history('a')).toHaveLength(1);
  });

  it('gives a repeated command its first outcome, a refusal too, and nothing twice', async () => {
    const { send, history } = commandRig();
    const opened = await send('a', 'Open', { name: 'Ada' }, { commandId: id('one') });
    const refused = await send('a', 'Open', { name: 'Bea' }, { commandId: id('two') });
    await send('a', 'Close');
    expect(await send('a', 'Open', { name: 'Ada' }, { commandId: id('one') })).toEqual(opened);
    expect(await send('a', 'Open', { name: 'Bea' }, { commandId: id('two') })).toEqual(refused);
    expect(await history('a')).toHaveLength(2);
  });

  it('joins the same command in flight, and refuses its id for another', async () => {
    const { send, history } = commandRig();
    const [first, second, other] = await Promise.allSettled([
      send('a', 'Open', { name: 'Ada' }, { commandId: id('one') }),
      send('a', 'Open', { name: 'Ada' }, { commandId: id('one') }),
      send('a', 'Open', { name: 'Bea' }, { commandId: id('one') }),
    ]);
    expect(first).toMatchObject({ status: 'fulfilled', value: { status: 'accepted' } });
    expect(second).toEqual(first);
    expect(other).toMatchObject({ status: 'rejected', reason: { code: 'COMMAND_ID_REUSED' } });
    expect(await history('a')).toHaveLength(1);
  });

  it('lets one of fifty take a claim and tells the others', async () => {
    const { send } = commandRig();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => send(`a${n}`, 'Open', { name: n % 2 ? 'Ada' : ' ADA ' })),
    );
    expect(answers.filter(({ status }) => status === 'accepted')).toHaveLength(1);
    expect(answers.filter((answer) => answer.status === 'refused' && answer.code === 'NAME_TAKEN')).toHaveLength(49);
  });

  it('decides again, in order, what stood on an append that another writer overtook', async () => {
    const store = memoryStore();
    const { send } = commandRig({ store });
    await send('a', 'Open', { name: 'Ada' });
    // Another worker closes the account behind this one's back.
    await store.events.append([{ stream, expected: 1, events: [event('Closed', {})] }]);
    const [deposit, close] = await Promise.all([send('a', 'Deposit', { amount: 1 }), send('a', 'Close')]);
    expect(deposit).toMatchObject({ status: 'refused', code: 'CLOSED', version: 2 });
    expect(close).toMatchObject({ status: 'refused', code: 'CLOSED', version: 2 });
  });

  it('never takes a later entry for good because the version happens to fit again', async () => {
    const store = memoryStore();
    const { send } = commandRig({ store });
    await send('a', 'Open', { name: 'Ada' });
    await store.events.append([{ stream, expected: 1, events: [event('Deposited', { amount: 100 })] }]);
    // Both are decided at version 1; the second expects version 2, which exists, but is not the one it was decided on.
    const [first, second] = await Promise.all([
      send('a', 'Deposit', { amount: 1 }),
      send('a', 'Deposit', { amount: 2 }),
    ]);
    expect([first.version, second.version]).toEqual([3, 4]);
    expect(first.status === 'accepted' && first.events[0]?.data).toEqual({ amount: 1 });
  });

  it('gives no refusal on a state that another worker has overtaken', async () => {
    const store = memoryStore();
    const [one, two] = [commandRig({ store }), commandRig({ store })];
    expect(await one.send('a', 'Deposit', { amount: 1 })).toMatchObject({ code: 'NOT_FOUND' });
    await two.send('a', 'Open', { name: 'Ada' });
    expect(await one.send('a', 'Deposit', { amount: 1 })).toMatchObject({ status: 'accepted', version: 2 });
  });

  it('answers [Close, Close, Deposit expecting version 1] for what was committed when the first append fails', async () => {
    let broken = true;
    const store = withAppend((entries, append) => {
      if (!broken || entries[0]?.events[0]?.type !== 'Closed') return append(entries);
      broken = false;
      return Promise.reject(failure('STORE_FULL'));
    });
    const { send, history } = commandRig({ store });
    await send('a', 'Open', { name: 'Ada' });
    const [first, second, third] = await Promise.allSettled([
      send('a', 'Close'),
      send('a', 'Close'),
      send('a', 'Deposit', { amount: 1 }, { expectedVersion: 1 }),
    ]);
    expect(first).toMatchObject({ reason: { code: 'STORE_FULL' } });
    expect(second).toMatchObject({ reason: { code: 'STORE_FULL' } });
    expect(third).toMatchObject({ value: { status: 'accepted', version: 2 } });
    expect((await history('a')).map(({ type }) => type)).toEqual(['Opened', 'Deposited']);
  });

  it.each([
    ['without the append having happened', false],
    ['with the append having happened', true],
  ])('survives a store that does not answer, %s: no event twice, none lost', async (_, happened) => {
    const clock = createSimulatedClock();
    let silent = 2;
    const store = withAppend(async (entries, append) => {
      if (silent === 0) return append(entries);
      silent -= 1;
      if (happened) await append(entries);
      throw failure('STORE_UNAVAILABLE');
    });
    const { send, history } = commandRig({ store, clock });
    const answers = Promise.all([
      send('a', 'Open', { name: 'Ada' }),
      send('a', 'Deposit', { amount: 1 }),
      send('a', 'Open', { name: 'Ada' }),
    ]);
    let settled = false;
    void answers.finally(() => (settled = true));
    while (!settled) await clock.advance(1_000);
    expect((await answers).map(({ status, version }) => [status, version])).toEqual([
      ['accepted', 1],
      ['accepted', 2],
      ['refused', 2],
    ]);
    expect((await history('a')).map(({ type }) => type)).toEqual(['Opened', 'Deposited']);
    expect(await send('a', 'Deposit', { amount: 1 })).toMatchObject({ version: 3 });
  });

  it('compares an expected version with what is committed', async () => {
    const store = memoryStore();
    const { send } = commandRig({ store });
    const [, right, wrong] = await Promise.all([
      send('a', 'Open', { name: 'Ada' }),
      send('a', 'Deposit', { amount: 1 }, { expectedVersion: 1 }),
      send('a', 'Deposit', { amount: 1 }, { expectedVersion: 1 }),
    ]);
    expect(right).toMatchObject({ status: 'accepted', version: 2 });
    expect(wrong).toMatchObject({ status: 'refused', code: 'VERSION_CONFLICT', version: 2 });
    // Another worker is ahead: the caller may have seen more than this actor has.
    await store.events.append([{ stream, expected: 2, events: [event('Deposited', { amount: 5 })] }]);
    expect(await send('a', 'Deposit', { amount: 1 }, { expectedVersion: 3 })).toMatchObject({
      status: 'accepted',
      version: 4,
    });
  });

  it('gives up a command that lost five races, and keeps the others', async () => {
    let hostile = true;
    const store = withAppend(async (entries, append) => {
      const [first] = entries;
      if (hostile && first?.events[0]?.type === 'Deposited') {
        await append([{ stream: first.stream, expected: 'exists', events: [event('Deposited', { amount: 0 })] }]);
      }
      return append(entries);
    });
    const { send, history } = commandRig({ store });
    await send('a', 'Open', { name: 'Ada' });
    await expect(send('a', 'Deposit', { amount: 1 })).rejects.toMatchObject({ code: 'CONTENTION' });
    hostile = false;
    expect(await send('a', 'Deposit', { amount: 2 })).toMatchObject({ status: 'accepted', version: 7 });
    expect(await history('a')).toHaveLength(7);
  });

  it('fails a command whose guard throws, a hundred times, and that command alone', async () => {
    const { send } = commandRig();
    await send('a', 'Open', { name: 'Ada' });
    const answers = await Promise.allSettled(
      Array.from({ length: 200 }, (_, n) => (n % 2 ? send('a', 'Throw') : send('a', 'Deposit', { amount: 1 }))),
    );
    expect(
      answers.filter((answer) => answer.status === 'rejected' && answer.reason.code === 'DECIDE_FAILED'),
    ).toHaveLength(100);
    expect(answers.filter((answer) => answer.status === 'fulfilled')).toHaveLength(100);
  });

  it('takes the mailbox only so full and tells at once', async () => {
    const { send } = commandRig({ settings: { mailboxCapacity: 10 } });
    const answers = await Promise.allSettled([
      ...Array.from({ length: 30 }, (_, n) =>
        send('a', n === 0 ? 'Open' : 'Deposit', n === 0 ? { name: 'Ada' } : { amount: 1 }),
      ),
      send('b', 'Open', { name: 'Bea' }),
    ]);
    expect(
      answers.filter((answer) => answer.status === 'rejected' && answer.reason.code === 'MAILBOX_FULL'),
    ).toHaveLength(20);
    expect(answers.at(-1)).toMatchObject({ status: 'fulfilled', value: { status: 'accepted' } });
  });

  it('restarts with backoff over a history it cannot fold, then quarantines that aggregate alone', async () => {
    const clock = createSimulatedClock();
    const store = memoryStore();
    await store.events.append([{ stream, expected: 'none', events: [event('Closed', {})] }]);
    const { send, supervisor } = commandRig({ store, clock });
    const doomed = send('a', 'Open', { name: 'Ada' });
    const told = expect(doomed).rejects.toMatchObject({ code: 'AGGREGATE_QUARANTINED' });
    for (let step = 0; step < 10; step += 1) await clock.advance(1_000);
    await told;
    await expect(send('a', 'Close')).rejects.toMatchObject({ code: 'AGGREGATE_QUARANTINED' });
    expect(supervisor.quarantined()).toMatchObject([{ stream, error: { code: 'EVENT_NOT_FOLDABLE' } }]);
    expect(await send('b', 'Open', { name: 'Bea' })).toMatchObject({ status: 'accepted' });
  });

  it('answers NEWER_EVENT, without quarantine, for a history of newer code', async () => {
    const store = memoryStore();
    await store.events.append([{ stream, expected: 'none', events: [event('Frozen', {})] }]);
    const { send, supervisor } = commandRig({ store });
    await expect(send('a', 'Open', { name: 'Ada' })).rejects.toMatchObject({ code: 'NEWER_EVENT', retryable: true });
    expect(supervisor.quarantined()).toEqual([]);
  });

  it('hydrates from snapshot and tail to what the whole history gives, and ignores a foreign snapshot', async () => {
    const store = memoryStore();
    const first = commandRig({ store });
    await first.send('a', 'Open', { name: 'Ada' });
    await first.send('a', 'Split', { amount: 12 });
    await first.send('a', 'Deposit', { amount: 5 });
    await first.snapshotter.flush();
    const saved = await store.snapshots.load(stream, (await import('./rig.ts')).account.hash);
    expect(saved).toMatchObject({ version: 13, state: { context: { balance: 12 } } });
    await store.snapshots.delete(stream);
    await store.snapshots.save([
      { ...(saved as NonNullable<typeof saved>), eventId: 'lost' as EventId, state: { value: 'closed', context: {} } },
    ]);
    expect(await commandRig({ store }).send('a', 'Deposit', { amount: 1 })).toMatchObject({
      status: 'accepted',
      version: 15,
    });
    expect(await historyOf(store, 'Account', 'a')).toHaveLength(15);
  });
});

describe('the supervisor', () => {
  it('keeps ten thousand aggregates apart', async () => {
    const { send, supervisor, store } = commandRig();
    const ids = Array.from({ length: 10_000 }, (_, n) => `a${n}`);
    await Promise.all(
      ids.flatMap((each, amount) => [send(each, 'Open', { name: each }), send(each, 'Deposit', { amount })]),
    );
    expect(supervisor.residents).toBe(10_000);
    expect(supervisor.inFlight).toBe(0);
    expect(await store.events.head()).toBe(20_000);
  });

  it('passivates the least recently used beyond its bound, and loses no command that meets one', async () => {
    const { send, supervisor, store } = commandRig({ settings: { maxLiveActors: 10 } });
    const ids = Array.from({ length: 100 }, (_, n) => `a${n}`);
    for (const name of ids) await send(name, 'Open', { name });
    expect(supervisor.residents).toBe(10);
    await Promise.all(
      ids.flatMap((each) => [send(each, 'Deposit', { amount: 1 }), send(each, 'Deposit', { amount: 2 })]),
    );
    expect(await store.events.head()).toBe(300);
  });

  it('passivates the idle after a while', async () => {
    const clock = createSimulatedClock();
    const { send, supervisor } = commandRig({ clock, settings: { idleMs: 1_000 } });
    await send('a', 'Open', { name: 'Ada' });
    await clock.advance(5_000);
    expect(supervisor.residents).toBe(0);
    expect(await send('a', 'Deposit', { amount: 1 })).toMatchObject({ version: 2 });
  });

  it('finishes what it took and refuses the rest when it drains', async () => {
    const { send, supervisor, history } = commandRig();
    const taken = [send('a', 'Open', { name: 'Ada' }), send('a', 'Deposit', { amount: 1 })];
    const drained = supervisor.drain();
    await expect(send('a', 'Deposit', { amount: 1 })).rejects.toMatchObject({ code: 'DRAINING' });
    await drained;
    expect((await Promise.all(taken)).map(({ version }) => version)).toEqual([1, 2]);
    expect(await history('a')).toHaveLength(2);
    expect(supervisor.state).toBe('stopped');
  });
});

function event(type: string, data: NewEvent['data']): NewEvent {
  const meta = {
    occurredAt: '2026-01-01T00:00:00.000Z',
    commandId: id('x'),
    correlationId: 'x',
    causationId: 'x',
    source: 'test',
    schema: 1,
  };
  return { id: `${type}-${counter++}` as EventId, type, data, meta };
}
let counter = 0;

/** A real store whose appends pass through `wrap`: to inject what a server may do. */
function withAppend(
  wrap: (entries: readonly AppendEntry[], append: EventStore['append']) => ReturnType<EventStore['append']>,
): Store {
  const store = memoryStore();
  const append: EventStore['append'] = (entries) => wrap(entries, (inner) => store.events.append(inner));
  return { ...store, events: { ...store.events, append } };
}
