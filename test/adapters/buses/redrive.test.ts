import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { openBus, openStore } from '../../../src/adapters/registry.ts';
import { loadConfig } from '../../../src/config.ts';
import { failure } from '../../../src/kernel/errors.ts';
import type { RecordedEvent } from '../../../src/kernel/message.ts';
import { createProcessor } from '../../../src/runtime/processor.ts';
import { append, newEvent } from '../../../src/testing/store-fixtures.ts';
import { assertInOrder, recorder } from '../../../src/testing/subscriptions/recorder.ts';
import { describeWithServer } from '../../servers/environment.ts';
import { environmentOf, serverBuses } from '../../servers/providers.ts';

for (const bus of serverBuses) {
  describeWithServer('TEST_POSTGRESQL_URL', `two workers on postgresql and the bus ${bus.name}`, (database) => {
    describeWithServer(bus.variable, 'a subscriber that always fails for one user', (address) => {
      test('makes that user’s later events wait, all others flow; redriven on another worker while more come: in order', {
        timeout: 120_000,
      }, async ({ onTestFinished }) => {
        const settings = loadConfig({
          environment: environmentOf({
            store: { provider: { name: 'postgresql', told: 'DATABASE_URL' }, address: database },
            bus: { provider: bus, address },
            namespace: `redrive-${randomUUID().slice(0, 8)}`,
          }),
          file: '',
        });
        const one = { type: 'Account', id: 'the failing one' };
        const others = Array.from({ length: 20 }, (_, n) => ({ type: 'Account', id: `other-${n}` }));
        const handled: RecordedEvent[] = [];
        let isMended = false;
        const { definition, versions } = recorder(
          'recorder',
          ({ stream, version }) => {
            if (stream.id === one.id && version >= 2 && !isMended)
              throw failure('HANDLER_FAILED', { found: 'a fault' });
          },
          handled,
        );
        const worker = async () => {
          const parts = { store: await openStore(settings.store), bus: await openBus(settings.bus) };
          const processor = createProcessor({ ...parts, aggregates: [], subscriptions: [definition] });
          onTestFinished(() => processor.drain());
          await processor.start();
          return { processor, store: parts.store };
        };
        const [first, second] = [await worker(), await worker()];
        const soon = { timeout: 60_000, interval: 50 };

        for (let round = 0; round < 3; round += 1) {
          for (const stream of [one, ...others]) await append(first.store, stream, 'any', [newEvent()]);
        }
        await expect.poll(() => others.every((stream) => versions(stream).length >= 3), soon).toBe(true);
        await expect.poll(async () => (await second.processor.deadLetters.list({ limit: 10 })).length, soon).toBe(1);
        expect(versions(one)).toEqual([1]);
        const [letter] = await second.processor.deadLetters.list({ limit: 10 });
        expect(letter).toMatchObject({ stream: one, version: 2, code: 'HANDLER_FAILED' });

        isMended = true;
        const more = (async () => {
          for (let n = 0; n < 50; n += 1) await append(first.store, one, 'any', [newEvent()]);
        })();
        await second.processor.deadLetters.redrive(letter?.id ?? '');
        await more;
        await expect.poll(() => new Set(versions(one)).size, soon).toBe(53);
        await assertInOrder(first.store, handled);
        expect(await first.processor.deadLetters.list({ limit: 10 })).toEqual([]);
      });
    });
  });
}
