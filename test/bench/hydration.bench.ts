import type { Store } from '../../src/ports/store.ts';
import { hydrate } from '../../src/runtime/hydrate.ts';
import { commandPathOn, userAggregate } from './commands.bench.ts';
import { median } from './report.ts';

const stream = { type: 'User', id: 'old' };
const length = 10_000;

/** Milliseconds to bring a user with a history of 10,000 events back, its last snapshot up to nine events old. */
export async function hydrationMs(store: Store): Promise<number> {
  const path = commandPathOn(store);
  const send = (type: string, data: object) => path.send(userAggregate, { stream, type, data });
  await send('CreateUser', { email: 'old@example.org', firstName: 'Ada', lastName: 'Lovelace' });
  await send('VerifyEmail', {});
  for (let sent = 2; sent < length; sent += 1_000) {
    const names = Array.from({ length: Math.min(1_000, length - sent) }, (_, n) => `Ada ${sent + n}`);
    await Promise.all(names.map((firstName) => send('UpdateUserProfile', { firstName, lastName: 'King' })));
  }
  await path.snapshotter.flush();
  const history = { events: store.events, snapshots: store.snapshots, snapshotEvery: 10 };
  return median(50, async () => {
    const startedMs = performance.now();
    const { version } = await hydrate(userAggregate, stream, history);
    if (version !== length) throw new Error(`Hydrated to version ${version}, not ${length}.`);
    return performance.now() - startedMs;
  });
}
