/**
 * A process to be killed or stopped: `node crash-child.ts <subject module> <location as JSON> <task>`. Every line it
 * writes is a fact it was told by the store.
 */
import { once } from 'node:events';
import { systemClock } from '../../../src/kernel/clock.ts';
import { isFailure } from '../../../src/kernel/errors.ts';
import type { CommandId } from '../../../src/kernel/message.ts';
import type { Store } from '../../../src/ports/store.ts';
import { newCommand, newEvents } from '../../../src/testing/store-fixtures.ts';
import type { StoreAdapter } from '../../../src/testing/store-subject.ts';
import { newRow } from '../../../src/testing/stores/read-model-rows.ts';

const tell = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** Eight writers, each append on a stream of its own, whose id is the command's as well and is acknowledged. */
async function append({ events }: Store): Promise<void> {
  const write = async (writer: number) => {
    for (let count = 0; ; count += 1) {
      const id = `${process.pid}-${writer}-${count}`;
      const stream = { type: 'Account', id };
      const command = newCommand({ id: id as CommandId });
      const [outcome] = await events.append([
        { stream, expected: 'none', events: newEvents(7), command, take: [`id:${id}`] },
      ]);
      if (outcome?.kind !== 'committed') throw new Error(`Not committed: ${JSON.stringify(outcome)}`);
      tell({ acknowledged: id });
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, writer) => write(writer)));
}

/** Streams long enough to be archived in several steps, each acknowledged when it is archived. */
async function archive({ events }: Store): Promise<void> {
  for (let count = 0; ; count += 1) {
    const stream = { type: 'Account', id: `${process.pid}-${count}` };
    for (let version = 0; version < 1200; version += 400) {
      await events.append([{ stream, expected: version, events: newEvents(400, 'Happened', { of: stream.id }) }]);
    }
    if (!(await events.archive(stream, await events.streamHead(stream)))) throw new Error('Not archived.');
    tell({ acknowledged: stream.id });
  }
}

/** Ten rows a commit, acknowledged by the checkpoint's position. */
async function project({ leases, readModels }: Store): Promise<void> {
  const { record } = await leases.take('rows', 'child', await leases.read('rows'));
  const fence = { lease: 'rows', token: record.token };
  const generation = await readModels.open({ name: 'rows', hash: 'hash' }, fence);
  for (let { position } = await generation.checkpoint(); ; position += 1) {
    const upserts = Array.from({ length: 10 }, (_, at) => newRow(`${position}-${at}`, { totals: { rows: 1 } }));
    await generation.commit({ upserts, deletes: [], checkpoint: { position: position + 1 }, fence });
    tell({ acknowledged: position + 1 });
  }
}

/** Takes the lease and, when told to go on, writes under it as if nothing had happened. */
async function hold({ leases, checkpoints, readModels }: Store): Promise<void> {
  const { record } = await leases.take('relay', 'child', await leases.read('relay'));
  const fence = { lease: 'relay', token: record.token };
  const generation = await readModels.open({ name: 'rows', hash: 'hash' }, fence);
  await checkpoints.save('relay', { position: 1 }, fence);
  tell({ holding: record });
  await once(process.stdin, 'data');
  const upserts = [newRow('late')];
  const writes = [
    () => checkpoints.save('relay', { position: 2 }, fence),
    () => generation.commit({ upserts, deletes: [], checkpoint: { position: 2 }, fence }),
  ];
  const results = await Promise.allSettled(writes.map((write) => write()));
  const codes = results.map((result) =>
    result.status === 'rejected' ? isFailure(result.reason) && result.reason.code : 'written',
  );
  tell({ codes, beat: await leases.beat(fence) });
  process.exit(0);
}

const tasks = { append, archive, project, hold };
const [module = '', location = '', task = ''] = process.argv.slice(2);
const { adapter }: { adapter: StoreAdapter<unknown> } = await import(module);
const store = await adapter.open(JSON.parse(location), { clock: systemClock });
await tasks[task as keyof typeof tasks](store);
