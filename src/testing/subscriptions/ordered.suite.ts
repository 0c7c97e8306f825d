import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { EventId } from '../../kernel/message.ts';
import { withCode } from '../store-fixtures.ts';
import type { StoreCase } from '../store-subject.ts';
import { takeOver } from '../stores/checkpoints.suite.ts';
import { assertFoldOfLog, tally } from './tally.ts';
import { inWorld, type TestWorker } from './world.ts';

const live = (worker: TestWorker) => async () => {
  const [status] = await worker.projections.list();
  return status?.state === 'live' && status.lag === 0;
};

/** What holds of projections, whoever dies after whichever line. */
export const orderedCases: readonly StoreCase[] = [
  {
    name: 'a projection catches up with the log, then follows it, each event once',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const streams = Array.from({ length: 5 }, () => stream());
        for (const one of streams) await world.append(one, 300);
        const worker = world.worker({ projections: [tally('tally')] });
        await worker.start();
        await world.until(live(worker), 'it caught up');
        for (const one of streams) await world.append(one, 7);
        await world.append(stream(), 3, 'Unheard');
        await world.passing(worker.projections.waitFor('tally', await store.events.head()));
        await assertFoldOfLog(store, 'tally');
      }),
  },
  {
    name: 'of two workers one projects; the other takes over at once when it stops, and after its time when it died',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const workers = Array.from({ length: 3 }, () => world.worker({ projections: [tally('tally')] }));
        const [first, second, third] = workers as [TestWorker, TestWorker, TestWorker];
        const held = async (worker: TestWorker) => (await worker.projections.list())[0]?.held ?? false;
        await world.append(stream(), 10);
        await first.start();
        await world.until(live(first), 'the first holds it');
        await second.start();
        await third.start();
        await world.clock.advance(60_000);
        assert.deepEqual(await Promise.all(workers.map(held)), [true, false, false], 'a live holder keeps its lease');
        await world.passing(first.stop());
        await world.until(async () => (await held(second)) || (await held(third)), 'another takes over', 2_000);
        const [holder, other] = (await held(second)) ? [second, third] : [third, second];
        await world.append(stream(), 10);
        await world.until(live(holder), 'it goes on');
        holder.life.kill();
        await world.append(stream(), 10);
        await world.until(() => held(other), 'the last one takes over', 10_000);
        await world.until(live(other), 'it goes on');
        await assertFoldOfLog(store, 'tally');
      }),
  },
  {
    name: 'what a paused holder writes after a takeover is void',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const one = stream();
        const paused = world.worker({ projections: [tally('tally')] });
        await paused.start();
        await world.until(live(paused), 'it holds');
        paused.life.pause();
        await world.append(one, 5);
        const other = world.worker({ projections: [tally('tally')] });
        await other.start();
        await world.until(live(other), 'the other took over', 10_000);
        paused.life.resume();
        await world.append(one, 5);
        await world.until(live(other), 'the other goes on');
        await world.clock.advance(10_000);
        assert.equal((await paused.projections.list())[0]?.held, false);
        await assertFoldOfLog(store, 'tally');
      }),
  },
  {
    name: 'a rebuild while it is live gives the same rows, and reaches the worker that holds it from any other',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const one = stream();
        await world.append(one, 900);
        const holder = world.worker({ projections: [tally('tally')] });
        await holder.start();
        await world.until(live(holder), 'it is live');
        const before = await store.readModels.status('tally');
        const other = world.worker({ projections: [tally('tally')] });
        await other.start();
        const progress: number[] = [];
        const rebuilt = other.projections.rebuild('tally', (done) => progress.push(done));
        await world.append(one, 5);
        await world.passing(rebuilt);
        const after = await store.readModels.status('tally');
        assert((after?.live.generation ?? 0) > (before?.live.generation ?? 0), 'a new generation is live');
        assert.equal(after?.building, undefined);
        assert.equal(progress.at(-1), await store.events.head());
        await world.append(one, 5);
        await world.until(live(holder), 'it goes on');
        await assertFoldOfLog(store, 'tally');
      }),
  },
  {
    name: 'a rebuild whose worker died is done by the next',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        await world.append(stream(), 900);
        let rebuilding = false;
        const dies = ({ version }: { readonly version: number }) => {
          if (rebuilding && version === 700) first.life.kill();
          return false;
        };
        const first: TestWorker = world.worker({ projections: [tally('tally', { failing: dies })] });
        await first.start();
        await world.until(live(first), 'it is live');
        rebuilding = true;
        void first.projections.rebuild('tally').catch(() => {});
        await world.until(() => !first.life.alive, 'it died while building');
        const { generation } = (await store.readModels.status('tally'))?.building ?? {};
        assert(generation !== undefined, 'a generation was being built');
        const second = world.worker({ projections: [tally('tally')] });
        await second.start();
        const rebuilt = async () => ((await store.readModels.status('tally'))?.live.generation ?? 0) >= generation;
        await world.until(rebuilt, 'a generation built anew is live');
        await world.until(live(second), 'it goes on');
        await assertFoldOfLog(store, 'tally');
      }),
  },
  {
    name: 'a fold that throws marks its row at its last good state; the others go on; the corrected projection is rebuilt',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const [good, bad, worse] = [stream(), stream(), stream()];
        const failing = ({ stream: { id }, version }: { stream: { id: string }; version: number }) =>
          id === worse.id || (id === bad.id && version === 3);
        for (const one of [good, bad, worse]) await world.append(one, 5);
        const faulty = world.worker({ projections: [tally('tally', { failing })] });
        await faulty.start();
        const caughtUp = async () => (await faulty.projections.list())[0]?.state === 'faulty';
        await world.until(caughtUp, 'it caught up');
        const { count, rows } = await store.readModels.faulty('tally', 10);
        assert.deepEqual([count, new Set(rows.map(({ id }) => id))], [2, new Set([bad.id, worse.id])]);
        const get = (id: string) => faulty.queries.execute({ type: 'tally.get', input: { id } });
        assert.deepEqual(await get(bad.id), { id: bad.id, versions: [1, 2] });
        assert.equal(await get(worse.id), undefined, 'a row without a good state is not shown');
        assert.deepEqual(await get(good.id), { id: good.id, versions: [1, 2, 3, 4, 5] });
        await world.passing(faulty.stop());
        const corrected = world.worker({ projections: [tally('tally', { revision: 2 })] });
        await corrected.start();
        await world.until(live(corrected), 'it is rebuilt');
        await assertFoldOfLog(store, 'tally');
      }),
  },
  {
    name: 'more than a thousand faulty rows stop a projection, visibly; a corrected one goes on',
    alone: true,
    large: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        for (let at = 0; at < 1_001; at += 1) await world.append(stream());
        const faulty = world.worker({ projections: [tally('tally', { failing: () => true })] });
        await faulty.start();
        const stopped = async () => (await faulty.projections.list())[0]?.state === 'stopped';
        await world.until(stopped, 'it stopped');
        const [status] = await faulty.projections.list();
        assert.match(status?.error ?? '', /faulty rows/);
        await world.passing(faulty.stop());
        const corrected = world.worker({ projections: [tally('tally', { revision: 2 })] });
        await corrected.start();
        await world.until(live(corrected), 'it is rebuilt');
        await assertFoldOfLog(store, 'tally');
      }),
  },
  {
    name: 'a log that lost its tail is noticed, and the read model rebuilt from what is left',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const one = stream();
        await world.append(one, 5);
        const first = world.worker({ projections: [tally('tally')] });
        await first.start();
        await world.until(live(first), 'it caught up');
        await world.passing(first.stop());
        const { live: was } = (await store.readModels.status('tally')) ?? {};
        assert(was !== undefined);
        // As if the log had been longer, and what comes next took the positions of what was lost.
        const fence = await takeOver(store, 'projection:tally');
        const generation = await store.readModels.open({ name: 'tally', hash: was.hash }, fence);
        const row = await store.readModels.get('tally', one.id);
        assert(row !== undefined);
        const lost = { id: one.id, versions: [1, 2, 3, 4, 5, 6] };
        await generation.commit({
          upserts: [{ ...row, value: lost, totals: { rows: 1, events: 6 } }],
          deletes: [],
          checkpoint: { position: 6, eventId: randomUUID() as EventId },
          fence,
        });
        await store.leases.release(fence);
        await world.append(stream(), 3);
        const second = world.worker({ projections: [tally('tally')] });
        await second.start();
        await world.until(live(second), 'it is rebuilt');
        await assertFoldOfLog(store, 'tally');
      }),
  },
  {
    name: 'who waits for a position is answered by any worker, or told that the read model is behind',
    alone: true,
    run: ({ store, stream }) =>
      inWorld(store, async (world) => {
        const [holder, other] = [1, 2].map(() => world.worker({ projections: [tally('tally')] })) as [
          TestWorker,
          TestWorker,
        ];
        await holder.start();
        await world.until(live(holder), 'it is live');
        await other.start();
        const one = stream();
        await world.append(one, 3);
        const waitFor = await store.events.head();
        const query = { type: 'tally.get', input: { id: one.id }, waitFor };
        for (const worker of [holder, other]) {
          const answer = await world.passing(worker.queries.execute(query));
          assert.deepEqual(answer, { id: one.id, versions: [1, 2, 3] });
        }
        const ahead = world.passing(other.projections.waitFor('tally', waitFor + 1));
        await assert.rejects(ahead, withCode('READ_MODEL_BEHIND'));
      }),
  },
];
