import { describe, expect, it } from 'vitest';
import { notification } from '../../machines/notification.machine.ts';
import { memoryBus } from '../../src/adapters/buses/memory.ts';
import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import { sleep } from '../../src/kernel/clock.ts';
import { defineAggregate } from '../../src/kernel/decider.ts';
import { failure } from '../../src/kernel/errors.ts';
import type { Channel, ChannelMessage } from '../../src/ports/channel.ts';
import { silentLogger, silentTelemetry } from '../../src/ports/telemetry.ts';
import { createBreaker } from '../../src/runtime/breaker.ts';
import type { RuntimeContext } from '../../src/runtime/context.ts';
import { createDelivery } from '../../src/runtime/notification-delivery.ts';
import { createProcessor } from '../../src/runtime/processor.ts';
import { defaultSettings } from '../../src/runtime/settings.ts';
import { account } from '../../src/testing/actors/account.ts';
import { commandRig } from '../../src/testing/actors/rig.ts';
import { createSimulatedClock, type SimulatedClock } from '../../src/testing/simulated-clock.ts';

const aggregate = defineAggregate(notification);
const id = 'n1';
const request = { type: 'email', to: 'a@b.c', template: 'greeting', data: {}, metadata: { eventId: 'e1' } };

/** Remembers what it took; `answer` is how it ends. */
function channel(answer: () => Promise<void> = async () => {}) {
  const taken: ChannelMessage[] = [];
  const mail: Channel = {
    name: 'mail',
    kinds: ['email'],
    deliver(message) {
      taken.push(message);
      return answer();
    },
    async close() {},
  };
  return { taken, mail };
}

/** Workers of one log that were all given the same request; so many of them try to start before any of them may. */
async function requested(atOnce = 1) {
  const clock = createSimulatedClock();
  const allTry = Promise.withResolvers<void>();
  let trying = 0;
  const store = memoryStore({ clock });
  const { send: ask, history } = commandRig(store, { clock, aggregate });
  await ask(id, 'RequestNotification', request);
  const types = async () => (await history(id)).map(({ type }) => type);
  async function deliver(mail: Channel, signal = new AbortController().signal): Promise<void> {
    const { send } = commandRig(store, { clock, aggregate });
    const context: RuntimeContext = {
      workerId: 'worker',
      store,
      bus: memoryBus({ clock }),
      clock,
      telemetry: silentTelemetry,
      logger: silentLogger,
      settings: defaultSettings,
      aggregates: new Map([[aggregate.name, aggregate]]),
      async send({ stream, type, data, ...more }) {
        trying += 1;
        if (trying === atOnce) allTry.resolve();
        await allTry.promise;
        return send(stream.id, type, data as object, more);
      },
    };
    const route = { channel: mail, breaker: createBreaker({ name: 'channel.mail', clock }) };
    const [event] = await history(id);
    if (event === undefined) throw new Error('It was not requested.');
    await createDelivery(context, 'email', route, new Map()).handle(event, { attempt: 1, signal, replaying: false });
  }
  return { clock, deliver, types };
}

async function until(clock: SimulatedClock, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let step = 0; step < 1_000; step += 1) {
    if (await condition()) return;
    await clock.advance(100);
  }
  throw new Error('The condition was not met in 100 simulated seconds.');
}

describe('the delivery of a notification', () => {
  it('is one worker’s when several were given it at once', async () => {
    const { clock, deliver, types } = await requested(5);
    const { taken, mail } = channel(() => sleep(clock, 1_000));
    let ended = 0;
    const deliveries = Array.from({ length: 5 }, () => deliver(mail).then(() => (ended += 1)));
    await until(clock, () => ended === 5);
    await Promise.all(deliveries);
    expect(taken.map((message) => message.id)).toEqual([id]);
    expect(await types()).toEqual(['NotificationRequested', 'DeliveryStarted', 'NotificationDelivered']);
  });

  it('is begun again by another when its worker is gone, after the channel’s time-out, under the same id', async () => {
    const { clock, deliver, types } = await requested();
    const [gone, next] = [channel(() => new Promise(() => {})), channel()];
    void deliver(gone.mail);
    await until(clock, () => gone.taken.length === 1);
    const delivered = deliver(next.mail);
    await clock.advance(defaultSettings.channelTimeoutMs - 1_000);
    expect(next.taken).toEqual([]);
    await until(clock, () => next.taken.length === 1);
    await delivered;
    expect([...gone.taken, ...next.taken].map((message) => message.id)).toEqual([id, id]);
    expect(await types()).toEqual([
      'NotificationRequested',
      'DeliveryStarted',
      'DeliveryStarted',
      'NotificationDelivered',
    ]);
  });

  it('goes back to the bus when the process drains, and counts as no failure', async () => {
    const { clock, deliver, types } = await requested();
    const stopping = new AbortController();
    const waiting = channel(() => Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })));
    const delivery = deliver(waiting.mail, stopping.signal);
    await until(clock, () => waiting.taken.length > 1);
    stopping.abort();
    await expect(delivery).rejects.toMatchObject({ code: 'DRAINING' });
    expect(await types()).toEqual(['NotificationRequested', 'DeliveryStarted']);
  });

  it('is written down when its channel takes it while the process drains', async () => {
    const { clock, deliver, types } = await requested();
    const stopping = new AbortController();
    const slow = channel(() => sleep(clock, 2_000));
    let ended = false;
    const delivery = deliver(slow.mail, stopping.signal).then(() => {
      ended = true;
    });
    await until(clock, () => slow.taken.length === 1);
    stopping.abort();
    await until(clock, () => ended);
    await delivery;
    expect(await types()).toEqual(['NotificationRequested', 'DeliveryStarted', 'NotificationDelivered']);
  });

  it('goes on when its dead letter is redriven, and no secret of its message is kept', async () => {
    const clock = createSimulatedClock();
    let rejecting = true;
    const { taken, mail } = channel(async () => {
      if (rejecting) throw failure('CHANNEL_REJECTED', { found: 'no such mailbox' });
    });
    const store = memoryStore({ clock });
    const processor = createProcessor({
      store: { ...store, close: async () => {} },
      bus: memoryBus({ clock }),
      clock,
      channels: [mail],
      aggregates: [account, aggregate],
      settings: { snapshotEvery: 1 },
      notifications: [
        {
          on: 'Account.Opened',
          requests: () => [{ type: 'email', to: 'a@b.c', template: 'greeting', data: {}, metadata: {} }],
          enrich: { greeting: () => ({ link: 'https://a.b/?token=secret' }) },
        },
      ],
    });
    void processor.start();
    const opened = processor.send({ stream: { type: 'Account', id: 'a' }, type: 'Open', data: { name: 'a' } });
    await until(clock, async () => (await processor.deadLetters.list({ limit: 1 })).length === 1);
    await opened;
    const [letter] = await processor.deadLetters.list({ limit: 1 });
    rejecting = false;
    await processor.deadLetters.redrive(letter?.id ?? '');
    const stream = letter?.stream ?? { type: 'Notification', id: '' };
    await until(clock, async () => (await processor.read(stream))?.state === 'delivered');
    expect(new Set(taken.map((message) => message.id))).toEqual(new Set([stream.id]));
    expect(taken.at(-1)?.data).toEqual({ link: 'https://a.b/?token=secret' });
    let drained = false;
    void processor.drain().then(() => {
      drained = true;
    });
    await until(clock, () => drained);
    const snapshot = await store.snapshots.load(stream, aggregate.hash);
    expect(snapshot?.state).toBeDefined();
    const kept = [await Array.fromAsync(store.events.readAll()), snapshot, letter];
    expect(JSON.stringify(kept)).not.toContain('secret');
  });

  it('happens once, however often its cause and its request are replayed', async () => {
    const clock = createSimulatedClock();
    const { taken, mail } = channel();
    const processor = createProcessor({
      store: memoryStore({ clock }),
      bus: memoryBus({ clock }),
      clock,
      channels: [mail],
      aggregates: [account, aggregate],
      notifications: [
        {
          on: 'Account.Opened',
          requests: () => [{ type: 'email', to: 'a@b.c', template: 'greeting', data: {}, metadata: {} }],
        },
      ],
    });
    void processor.start();
    for (const account of ['a', 'b', 'c']) {
      const sent = processor.send({ stream: { type: 'Account', id: account }, type: 'Open', data: { name: account } });
      await clock.settle();
      await sent;
    }
    // For each account: opened, requested, started, delivered.
    await until(clock, async () => (await processor.log.head()) === 12);
    for (const subscription of ['notifications', 'delivery.email', 'notifications', 'delivery.email']) {
      const replay = await processor.replays.start({ subscription, from: { position: 1 } });
      await until(clock, () => processor.replays.list().some((one) => one.id === replay.id && one.state === 'done'));
      expect((await processor.replays.finished(replay.id)).handled).toBe(3);
    }
    await clock.advance(60_000);
    expect(taken.length).toBe(3);
    expect(await processor.log.head()).toBe(12);
    let drained = false;
    void processor.drain().then(() => {
      drained = true;
    });
    await until(clock, () => drained);
  });
});
