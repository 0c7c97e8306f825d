import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import { commandPathOn, userAggregate } from './commands.bench.ts';

const residents = 100_000;

/**
 * Bytes of heap that an idle resident costs beyond its context: the heap with 100,000 users hydrated, less the heap with
 * the same contexts alone.
 */
export async function bytesPerResident(): Promise<number> {
  const store = memoryStore();
  const writer = commandPathOn(store);
  await inSlices((n) => writer.send(userAggregate, { stream: streamOf(n), type: 'CreateUser', data: personOf(n) }));

  const path = commandPathOn(store, { maxLiveActors: residents, idleMs: 3_600_000 });
  const emptyBytes = heapBytes();
  await inSlices((n) => path.send(userAggregate, { stream: streamOf(n), type: 'CreateUser', data: personOf(n) }));
  if (path.supervisor.residents !== residents) throw new Error(`${path.supervisor.residents} residents`);
  const fullBytes = heapBytes();
  const contexts = Array.from({ length: residents }, (_, n) => structuredClone(personOf(n)));
  const contextBytes = heapBytes() - fullBytes;
  if (contexts.length !== residents) throw new Error('The contexts were let go.');
  return (fullBytes - emptyBytes - contextBytes) / residents;
}

async function inSlices(task: (n: number) => Promise<unknown>): Promise<void> {
  for (let first = 0; first < residents; first += 1_000) {
    await Promise.all(Array.from({ length: 1_000 }, (_, n) => task(first + n)));
  }
}

const streamOf = (n: number) => ({ type: 'User', id: `user-${n}` });
const personOf = (n: number) => ({ email: `user-${n}@example.org`, firstName: `Ada ${n}`, lastName: `Lovelace ${n}` });

/** After two collections: `npm run bench` exposes them. */
function heapBytes(): number {
  if (globalThis.gc === undefined) throw new Error('Run with --expose-gc: `npm run bench`.');
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}
