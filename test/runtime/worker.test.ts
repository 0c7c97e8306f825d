import { expect, test } from 'vitest';
import { memoryBus } from '../../src/adapters/buses/memory.ts';
import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import { createProcessor } from '../../src/runtime/processor.ts';
import { defaultSettings } from '../../src/runtime/settings.ts';
import { createSimulatedClock } from '../../src/testing/simulated-clock.ts';

test('a drain that takes too long says what it waited for', async () => {
  const clock = createSimulatedClock();
  const processor = createProcessor({ store: memoryStore(), bus: memoryBus({ clock }), clock, aggregates: [] });
  processor.onDrain(() => new Promise(() => {}));
  await processor.start();
  const drained = expect(processor.drain()).rejects.toMatchObject({
    code: 'DRAINING',
    explanation: { found: 'draining.http still under way' },
  });
  await clock.advance(defaultSettings.shutdownTimeoutMs);
  await drained;
});
