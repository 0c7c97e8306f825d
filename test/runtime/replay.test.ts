import { expect, test } from 'vitest';
import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { failure } from '../../src/kernel/errors.ts';
import type { ReplayFrom } from '../../src/runtime/replay.ts';
import { recorder } from '../../src/testing/subscriptions/recorder.ts';
import { inWorld } from '../../src/testing/subscriptions/world.ts';

const [a, b] = ['a', 'b'].map((id) => ({ type: 'Account', id })) as [
  { readonly type: 'Account'; readonly id: string },
  { readonly type: 'Account'; readonly id: string },
];
const subscription = 'recorder';

test('begins at a time, inclusive, whatever was recorded at one moment', async () => {
  let nowMs = Date.UTC(2026, 0, 1);
  const store = memoryStore({ clock: { ...systemClock, now: () => nowMs } });
  await inWorld(store, async (world) => {
    const { definition, handled, count } = recorder(subscription);
    const worker = world.worker({ subscriptions: [definition] });
    await worker.start();
    for (let minute = 0; minute < 5; minute += 1) {
      nowMs = Date.UTC(2026, 0, 1, 0, minute);
      await world.append(a, 2);
    }
    await world.until(() => count() === 10, 'all are handled');
    const replayed = async (time: string) => {
      const already = handled.length;
      const { id } = await worker.replays.start({ subscription, from: { time } });
      await world.passing(worker.replays.finished(id));
      return handled.slice(already).map(({ position }) => position);
    };
    expect(await replayed('2026-01-01T00:03:00.000Z')).toEqual([7, 8, 9, 10]);
    expect(await replayed('2026-01-01T00:03:00.001Z')).toEqual([9, 10]);
    expect(await replayed('2025-01-01T00:00:00.000Z')).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});

test('tells the handler that it replays, counts apart, and ends where the log was when it began', async () => {
  const store = memoryStore();
  await inWorld(store, async (world) => {
    const replaying: boolean[] = [];
    const { definition, count } = recorder(subscription, async (_, tools) => {
      replaying.push(tools.replaying);
      if (tools.replaying && replaying.length === 4) await world.append(b, 2);
    });
    const worker = world.worker({ subscriptions: [definition] });
    await worker.start();
    await world.append(a, 3);
    await world.until(() => count() === 3, 'all are handled');
    const { id, until } = await worker.replays.start({ subscription, from: { position: 1 } });
    const progress: number[] = [];
    const ended = await world.passing(worker.replays.finished(id, ({ position }) => progress.push(position)));
    expect(ended).toMatchObject({ state: 'done', handled: 3, position: 3, until });
    expect(progress.at(-1)).toBe(3);
    await world.until(() => count() === 5, 'the live one goes on');
    expect(replaying.filter((each) => each).length).toBe(3);
    expect(worker.counts().bySubscription[subscription]?.delivered).toBe(5);
  });
});

test('an event that fails for good fails the replay and stops its stream there, not the others and nothing live', async () => {
  const store = memoryStore();
  await inWorld(store, async (world) => {
    const { definition, handled, count } = recorder(subscription, ({ stream, version }, { replaying }) => {
      if (replaying && stream.id === a.id && version === 2) throw failure('HANDLER_FAILED', { found: 'a bug' });
    });
    const worker = world.worker({ subscriptions: [definition] });
    await worker.start();
    await world.append(a, 3);
    await world.append(b, 3);
    await world.until(() => count() === 6, 'all are handled');
    const before = await store.cursors.load(subscription, [a, b]);
    const { id } = await worker.replays.start({ subscription, from: { position: 1 } });
    const ended = await world.passing(worker.replays.finished(id));
    expect(ended).toMatchObject({ state: 'failed', handled: 4, error: expect.stringContaining('at position 2') });
    const again = handled.slice(6).map(({ stream, version }) => `${stream.id}${version}`);
    expect(again.toSorted()).toEqual(['a1', 'b1', 'b2', 'b3']);
    expect(await store.cursors.load(subscription, [a, b])).toEqual(before);
    expect(await worker.deadLetters.list({ limit: 10 })).toEqual([]);
    expect((await store.cursors.load(`replay:${id}`, [a]))[0]?.revision).toBe(0);
  });
});

test('is ended by a drain', async () => {
  const store = memoryStore();
  await inWorld(store, async (world) => {
    const { definition, count } = recorder(subscription, (_, { replaying }) => {
      if (replaying) throw failure('CHANNEL_UNAVAILABLE');
    });
    const worker = world.worker({ subscriptions: [definition] });
    await worker.start();
    await world.append(a, 3);
    await world.until(() => count() === 3, 'all are handled');
    const { id } = await worker.replays.start({ subscription, from: { position: 1 } });
    await world.clock.advance(60_000);
    expect(worker.replays.list()).toMatchObject([{ state: 'running', handled: 0 }]);
    await world.passing(worker.stop());
    expect(await worker.replays.finished(id)).toMatchObject({
      state: 'failed',
      error: expect.stringContaining('shutting'),
    });
    await expect(worker.replays.start({ subscription, from: { position: 1 } })).rejects.toMatchObject({
      code: 'DRAINING',
    });
  });
});

test('what is not there is refused by name', async () => {
  const store = memoryStore();
  await inWorld(store, async (world) => {
    const { definition } = recorder(subscription);
    const worker = world.worker({ subscriptions: [definition] });
    await world.append(a, 1);
    const start = (from: ReplayFrom, name = subscription) => worker.replays.start({ subscription: name, from });
    await expect(start({ position: 1 }, 'nobody')).rejects.toMatchObject({ code: 'UNKNOWN_SUBSCRIPTION' });
    await expect(start({ stream: a, version: 2 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(worker.replays.finished('none')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
