import { user } from '../../machines/user.machine.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { type Aggregate, defineAggregate } from '../../src/kernel/decider.ts';
import { failure } from '../../src/kernel/errors.ts';
import type { EventBus } from '../../src/ports/event-bus.ts';
import type { Store } from '../../src/ports/store.ts';
import { silentLogger, silentTelemetry } from '../../src/ports/telemetry.ts';
import { type CommandPath, createCommandPath } from '../../src/runtime/command-path.ts';
import { defaultSettings } from '../../src/runtime/settings.ts';

export const users = 20_000;
export const commandsPerUser = 5;
export const inFlight = 256;

export const userAggregate: Aggregate = defineAggregate(user);

/** The command path of a processor: what `processor.send` runs, without relay, projections and HTTP. */
export function commandPathOn(store: Store, settings: Partial<typeof defaultSettings> = {}): CommandPath {
  return createCommandPath({
    workerId: 'bench',
    store,
    bus: { provider: 'none' } as EventBus,
    clock: systemClock,
    telemetry: silentTelemetry,
    logger: silentLogger,
    settings: { ...defaultSettings, ...settings },
    aggregates: new Map([[userAggregate.name, userAggregate]]),
    send: () => Promise.reject(failure('INTERNAL')),
  });
}

/** Commands a second: 20,000 users live their five commands, 256 of them at a time. */
export async function commandsPerSecond(store: Store): Promise<number> {
  const path = commandPathOn(store);
  const startedMs = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (next < users) await live(path, next++);
    }),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  await path.snapshotter.flush();
  return (users * commandsPerUser) / seconds;
}

async function live(path: CommandPath, n: number): Promise<void> {
  const stream = { type: 'User', id: `user-${n}` };
  const send = async (type: string, data: object) => {
    const { status } = await path.send(userAggregate, { stream, type, data });
    if (status !== 'accepted') throw new Error(`${type} of user ${n} was refused`);
  };
  await send('CreateUser', { email: `user-${n}@example.org`, firstName: 'Ada', lastName: 'Lovelace' });
  await send('VerifyEmail', {});
  await send('UpdateUserProfile', { firstName: 'Augusta', lastName: 'King' });
  await send('UpdateUserProfile', { firstName: 'Ada', lastName: 'King' });
  await send('DeactivateUser', { reason: 'the end of the run' });
}
