import { expect, test } from 'vitest';
import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import { failure } from '../../src/kernel/errors.ts';
import { recorder } from '../../src/testing/subscriptions/recorder.ts';
import { inWorld, sharedBus } from '../../src/testing/subscriptions/world.ts';

const stream = { type: 'Account', id: 'a' };

test('of two operators who redrive and discard at once one is told that there is no such dead letter', async () => {
  const store = memoryStore();
  await inWorld(store, async (world) => {
    const bus = sharedBus(world.clock);
    const { definition, versions } = recorder('recorder', ({ version }) => {
      if (version === 2) throw failure('HANDLER_FAILED');
    });
    const [one, other] = [1, 2].map(() => world.worker({ bus, subscriptions: [definition] }));
    if (one === undefined || other === undefined) throw new Error('Two workers were made.');
    for (const worker of [one, other]) await worker.start();
    await world.append(stream, 3);
    await world.until(async () => (await one.deadLetters.list({ limit: 1 })).length === 1, 'it is parked');
    const [letter] = await one.deadLetters.list({ limit: 1 });
    const id = letter?.id ?? '';
    const outcomes = await Promise.allSettled([one.deadLetters.discard(id), other.deadLetters.redrive(id)]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'NOT_FOUND' } });
    const again = async () => (await one.deadLetters.list({ limit: 1 })).length === 1;
    await world.until(async () => versions(stream).includes(3) || (await again()), 'the one who won has his way');
    if (outcomes[0]?.status === 'rejected') await one.deadLetters.discard(id);
    await world.until(() => versions(stream).includes(3), 'it goes on behind it');
    expect(versions(stream)).toEqual([1, 3]);
  });
});

test('what its subscription does not let go stays a dead letter', async () => {
  const store = memoryStore();
  await inWorld(store, async (world) => {
    const { definition, versions } = recorder('recorder', () => {
      throw failure('HANDLER_FAILED');
    });
    let told = 0;
    const discarded = async () => {
      told += 1;
      if (told === 1) throw failure('STORE_UNAVAILABLE');
    };
    const worker = world.worker({ subscriptions: [{ ...definition, discarded }] });
    await worker.start();
    await world.append(stream, 1);
    await world.until(async () => (await worker.deadLetters.list({ limit: 1 })).length === 1, 'it is parked');
    const [letter] = await worker.deadLetters.list({ limit: 1 });
    await expect(worker.deadLetters.discard(letter?.id ?? '')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await worker.deadLetters.list({ limit: 1 })).toEqual([letter]);
    await worker.deadLetters.discard(letter?.id ?? '');
    expect(await worker.deadLetters.list({ limit: 1 })).toEqual([]);
    expect([told, versions(stream)]).toEqual([2, []]);
  });
});
