import assert from 'node:assert/strict';
import type { StoreCase } from '../store-subject.ts';
import { assertInOrder, recorder } from './recorder.ts';
import { assertFoldOfLog, tally } from './tally.ts';
import { inWorld } from './world.ts';

/** How many calls of the store a worker's first seconds take at most. */
const calls = 70;

/** Whoever dies before or after whichever call of the store: the next worker finds everything. */
export const deathCases: readonly StoreCase[] = (['before', 'after'] as const).map((moment) => ({
  name: `a worker may die ${moment} any call of the store: rows equal the log, every event is handled in order`,
  alone: true,
  large: true,
  async run({ store, stream }) {
    let died = 0;
    for (let call = 1; call <= calls; call += 1) {
      await inWorld(store, async (world) => {
        const one = stream();
        const { definition, handled, count } = recorder(`call-${call}`);
        const worker = () => world.worker({ projections: [tally('tally')], subscriptions: [definition] });
        const first = worker();
        await world.append(one, 2);
        first.life.killAt(call, moment);
        void first.start();
        await world.clock.advance(1_000);
        await world.append(one, 2);
        await world.clock.advance(7_000);
        if (!first.life.alive) died += 1;
        else await world.passing(first.stop());
        await world.append(one, 1);
        const second = worker();
        await second.start();
        const head = await store.events.head();
        await world.passing(
          second.projections.waitFor('tally', head).catch(() => second.projections.waitFor('tally', head)),
        );
        await world.until(() => count() === head, `all are handled after a death at call ${call}`);
        await assertInOrder(store, handled);
        await assertFoldOfLog(store, 'tally');
      });
    }
    assert(died > calls / 2, `most of the workers died: ${died}`);
  },
}));
