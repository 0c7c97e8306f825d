import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { CommandId } from '../../../src/kernel/message.ts';
import type { Store } from '../../../src/ports/store.ts';
import { append, collect, newCommand, newEvents } from '../../../src/testing/store-fixtures.ts';
import type { StoreAdapter } from '../../../src/testing/store-subject.ts';
import { allPages } from '../../../src/testing/stores/read-model-rows.ts';

const childFile = new URL('crash-child.ts', import.meta.url).pathname;
const kills = 5;

/**
 * What holds when the process dies or stands still.
 * @param module the URL of the module that exports `adapter`, to be opened by other processes; locations must be JSON.
 */
export function runCrashTests<Location>(adapter: StoreAdapter<Location>, module: string): void {
  describe(`${adapter.name}: crashes`, () => {
    let location: Location;
    let store: Store | undefined;
    let child: ChildProcessWithoutNullStreams | undefined;

    const open = async () => {
      await store?.close();
      store = await adapter.open(location, { clock: systemClock });
      return store;
    };
    const start = (task: string) => {
      child = spawn(process.execPath, [childFile, module, JSON.stringify(location), task]);
      child.stderr.pipe(process.stderr);
      return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() };
    };
    /** Lets the child work until so many lines came, kills it, and gives all it said. */
    const killAfter = async (task: string, count: number) => {
      const { child: running, lines } = start(task);
      const exited = once(running, 'exit');
      const said: unknown[] = [];
      for await (const line of { [Symbol.asyncIterator]: () => lines }) {
        said.push(JSON.parse(line).acknowledged);
        if (said.length === count) running.kill('SIGKILL');
      }
      const [, signal] = await exited;
      assert.equal(signal, 'SIGKILL', 'the child ended by itself');
      return said;
    };

    beforeEach(async () => {
      location = await adapter.newLocation();
    });

    afterEach(async () => {
      child?.kill('SIGKILL');
      await store?.close();
      store = undefined;
      await adapter.destroy(location);
    });

    test('kill -9 in mid-load: every acknowledged append is there, no half append, no gap, and work goes on', async () => {
      const acknowledged: unknown[] = [];
      for (let round = 0; round < kills; round += 1) {
        acknowledged.push(...(await killAfter('append', 50 + round * 17)));
        const { events } = await open();
        const log = await collect(events.readAll());
        assert.deepEqual(
          log.map(({ position }) => position),
          log.map((_, at) => at + 1),
        );
        const streams = Map.groupBy(log, ({ stream }) => stream.id);
        for (const [id, own] of streams) assert.equal(own.length, 7, `${id} is half there`);
        for (const id of acknowledged) assert.ok(streams.has(String(id)), `${id} was acknowledged and is lost`);
        const claims = [...streams.keys()].map((id) => `id:${id}`);
        assert.equal((await events.claimHolders(claims)).size, claims.length);
      }
    }, 120_000);

    test('kill -9 between append and reply: the command sent again is a duplicate exactly when its events are there', async () => {
      const acknowledged = await killAfter('append', 100);
      const again = await open();
      const there = Map.groupBy(await collect(again.events.readAll()), ({ stream }) => stream.id);
      const counts = new Map<string, number>();
      for (const id of acknowledged) {
        const [, writer = '', count = ''] = String(id).split('-');
        counts.set(writer, Math.max(counts.get(writer) ?? 0, Number(count)));
      }
      for (const [writer, count] of counts) {
        // The last acknowledged one, what may have been under way, and what never was sent.
        for (const id of [count, count + 1, count + 2].map((each) => `${child?.pid}-${writer}-${each}`)) {
          const command = newCommand({ id: id as CommandId });
          const outcome = await append(again, { type: 'Account', id }, 'none', newEvents(7), { command });
          assert.equal(outcome.kind, there.has(id) ? 'duplicate' : 'committed', id);
          if (outcome.kind === 'duplicate') assert.equal(outcome.first.count, 7);
        }
      }
    }, 60_000);

    test('kill -9 while archiving: every event is read as it was appended, and archiving goes on', async () => {
      for (let round = 0; round < kills; round += 1) {
        const acknowledged = await killAfter('archive', 1 + round);
        const { events } = await open();
        const log = await collect(events.readAll());
        const ids = new Set(log.map(({ stream }) => stream.id));
        for (const id of acknowledged) assert.ok(ids.has(String(id)), `${id} was acknowledged and is lost`);
        for (const { stream, version, data } of log) {
          assert.deepEqual(data, { of: stream.id, n: ((version - 1) % 400) + 1 });
        }
        for (const id of ids) {
          const stream = { type: 'Account', id };
          const own = await collect(events.readStream(stream));
          assert.equal(await events.archive(stream, await events.streamHead(stream)), true);
          assert.deepEqual(await collect(events.readStream(stream)), own);
        }
      }
    }, 120_000);

    test('kill -9 while projecting: rows, totals and checkpoint land together or not at all', async () => {
      let before = 0;
      for (let round = 0; round < kills; round += 1) {
        const said = await killAfter('project', 20 + round * 7);
        const again = await open();
        const position = (await again.readModels.status('rows'))?.live.checkpoint.position ?? 0;
        assert.ok(position >= Number(said.at(-1)), `${said.at(-1)} was acknowledged, the checkpoint is ${position}`);
        assert.ok(position > before);
        before = position;
        assert.equal((await allPages(again, 'rows', { limit: 1000 })).length, position * 10);
        assert.deepEqual(await again.readModels.totals('rows'), { rows: position * 10 });
      }
    }, 120_000);

    test('a holder that was stopped and resumed is fenced: what it then writes is refused, and its lease is lost', async () => {
      const { child: holder, lines } = start('hold');
      const { holding } = JSON.parse((await lines.next()).value ?? '{}');
      holder.kill('SIGSTOP');
      const { leases, checkpoints, readModels } = await open();
      const { taken, record } = await leases.take('relay', 'contender', await leases.read('relay'));
      assert.deepEqual([taken, record.token], [true, holding.token + 1]);
      await checkpoints.save('relay', { position: 5 }, { lease: 'relay', token: record.token });
      holder.stdin.write('go on\n');
      holder.kill('SIGCONT');
      assert.deepEqual(JSON.parse((await lines.next()).value ?? '{}'), { codes: ['FENCED', 'FENCED'], beat: false });
      assert.deepEqual(await checkpoints.load('relay'), { position: 5 });
      assert.equal(await readModels.get('rows', 'late'), undefined);
      assert.deepEqual(await leases.read('relay'), record);
    }, 60_000);
  });
}
