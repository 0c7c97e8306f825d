import { afterEach, describe, expect, it } from 'vitest';
import { notification } from '../../machines/notification.machine.ts';
import { memoryBus } from '../../src/adapters/buses/memory.ts';
import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import { defineAggregate } from '../../src/kernel/decider.ts';
import { failure } from '../../src/kernel/errors.ts';
import type { RecordedEvent } from '../../src/kernel/message.ts';
import type { Channel, ChannelMessage } from '../../src/ports/channel.ts';
import type { NotificationDefinition, ProjectionDefinition, SubscriptionDefinition } from '../../src/runtime/define.ts';
import { createProcessor, type Processor, type ProcessorOptions } from '../../src/runtime/processor.ts';
import { account } from '../../src/testing/actors/account.ts';
import { createSimulatedClock } from '../../src/testing/simulated-clock.ts';

const clock = createSimulatedClock();
const running: Processor[] = [];

afterEach(async () => {
  for (const processor of running.splice(0)) await withTime(processor.drain());
});

async function started(options: Partial<ProcessorOptions>): Promise<Processor> {
  const processor = createProcessor({
    store: memoryStore({ clock }),
    bus: memoryBus(),
    clock,
    aggregates: [account, defineAggregate(notification)],
    ...options,
  });
  running.push(processor);
  await withTime(processor.start());
  return processor;
}

/** Lets simulated time pass until the promise is settled. */
async function withTime<T>(promise: Promise<T>): Promise<T> {
  let settled = false;
  const watched = promise.finally(() => {
    settled = true;
  });
  watched.catch(() => {});
  while (!settled) await clock.advance(100);
  return watched;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let step = 0; step < 2_000; step += 1) {
    if (await condition()) return;
    await clock.advance(100);
  }
  throw new Error('The condition was not met in 200 simulated seconds.');
}

const send = (processor: Processor, id: string, type: string, data: object = {}) =>
  withTime(processor.send({ stream: { type: 'Account', id }, type, data }));

/** Remembers what it handled, by stream; fails as `fault` says. */
function recorder(fault: (event: RecordedEvent) => unknown = () => undefined) {
  const handled: string[] = [];
  const definition: SubscriptionDefinition = {
    name: 'recorder',
    on: ['Account.*'],
    async handle(event) {
      const error = fault(event);
      if (error !== undefined) throw error;
      handled.push(`${event.stream.id}${event.version}`);
    },
  };
  return { handled, definition };
}

describe('a grouped subscription', () => {
  it('handles each event of each stream in order', async () => {
    const { handled, definition } = recorder();
    const processor = await started({ subscriptions: [definition] });
    for (const id of ['a', 'b']) {
      await send(processor, id, 'Open', { name: id });
      await send(processor, id, 'Split', { amount: 5 });
    }
    await until(() => handled.length === 12);
    for (const id of ['a', 'b']) {
      expect(handled.filter((each) => each.startsWith(id))).toEqual(
        [1, 2, 3, 4, 5, 6].map((version) => `${id}${version}`),
      );
    }
  });

  it('parks the stream of a lasting failure alone, and a redrive goes on in order', async () => {
    let broken = true;
    const { handled, definition } = recorder((event) =>
      broken && event.stream.id === 'a' && event.version === 2 ? new Error('a bug') : undefined,
    );
    const processor = await started({ subscriptions: [definition] });
    await send(processor, 'a', 'Open', { name: 'a' });
    await send(processor, 'a', 'Split', { amount: 3 });
    await send(processor, 'b', 'Open', { name: 'b' });
    await until(async () => (await processor.deadLetters.list({ limit: 10 })).length === 1 && handled.includes('b1'));
    const [letter] = await processor.deadLetters.list({ limit: 10 });
    expect(letter).toMatchObject({
      subscription: 'recorder',
      version: 2,
      attempts: 3,
      cause: 'a bug',
      stream: { id: 'a' },
    });
    expect(handled).toEqual(expect.not.arrayContaining(['a3']));
    broken = false;
    await processor.deadLetters.redrive(letter?.id ?? '');
    await send(processor, 'a', 'Deposit', { amount: 1 });
    await until(() => handled.includes('a5'));
    expect(handled.filter((each) => each.startsWith('a'))).toEqual(['a1', 'a2', 'a3', 'a4', 'a5']);
    expect(await processor.deadLetters.list({ limit: 10 })).toEqual([]);
  });

  it('steps over one event when its dead letter is discarded', async () => {
    const { handled, definition } = recorder((event) => (event.version === 2 ? failure('HANDLER_FAILED') : undefined));
    const processor = await started({ subscriptions: [definition] });
    await send(processor, 'a', 'Open', { name: 'a' });
    await send(processor, 'a', 'Split', { amount: 2 });
    await until(async () => (await processor.deadLetters.list({ limit: 10 })).length === 1);
    await processor.deadLetters.discard((await processor.deadLetters.list({ limit: 1 }))[0]?.id ?? '');
    await until(() => handled.includes('a3'));
    expect(handled).toEqual(['a1', 'a3']);
  });

  it('waits out a handler that does not answer for an hour, and parks nothing', async () => {
    let down = true;
    const { handled, definition } = recorder(() => (down ? failure('CHANNEL_UNAVAILABLE') : undefined));
    const processor = await started({ subscriptions: [definition] });
    await send(processor, 'a', 'Open', { name: 'a' });
    for (let minute = 0; minute < 60; minute += 1) await clock.advance(60_000);
    expect(await processor.deadLetters.list({ limit: 10 })).toEqual([]);
    expect(processor.metrics().breakers['subscription.recorder']).not.toBe('closed');
    down = false;
    await until(() => handled.length === 1);
  });

  it('handles what was appended while no worker ran, and nothing again after a restart', async () => {
    const store = memoryStore({ clock });
    const keeping = { ...store, close: async () => {} };
    const first = recorder();
    const one = await started({ store: keeping, subscriptions: [first.definition] });
    await send(one, 'a', 'Open', { name: 'a' });
    await until(() => first.handled.length === 1);
    await withTime(one.drain());
    const idle = createProcessor({ store: keeping, bus: memoryBus(), clock, aggregates: [account] });
    await withTime(idle.send({ stream: { type: 'Account', id: 'a' }, type: 'Deposit', data: { amount: 1 } }));
    const second = recorder();
    await started({ store: keeping, subscriptions: [second.definition] });
    await until(() => second.handled.length === 1);
    await clock.advance(60_000);
    expect(second.handled).toEqual(['a2']);
  });
});

describe('a projection', () => {
  const balances: ProjectionDefinition<{ id: string; balance: number }> = {
    name: 'balances',
    on: ['Account.*'],
    key: ({ stream }) => stream.id,
    fold(row, { type, data, stream }) {
      if (type === 'Closed') throw new Error('a fold with a bug');
      const added = type === 'Deposited' ? (data as { amount: number }).amount : 0;
      return { id: stream.id, balance: (row?.balance ?? 0) + added };
    },
    totals: ({ balance }) => ({ accounts: 1, balance }),
  };

  it('answers what a command changed once it has seen its position, and sums up', async () => {
    const processor = await started({ projections: [balances as unknown as ProjectionDefinition] });
    await send(processor, 'a', 'Open', { name: 'a' });
    const { position } = await send(processor, 'a', 'Split', { amount: 7 });
    expect(await withTime(processor.query('balances.get', { id: 'a' }, { waitFor: position }))).toEqual({
      id: 'a',
      balance: 7,
    });
    expect(await processor.query('balances.totals', {})).toEqual({ accounts: 1, balance: 7 });
  });

  it('marks a row whose fold throws, at its last good state, and goes on with the others', async () => {
    const processor = await started({ projections: [balances as unknown as ProjectionDefinition] });
    await send(processor, 'a', 'Open', { name: 'a' });
    await send(processor, 'a', 'Close');
    const { position } = await send(processor, 'b', 'Open', { name: 'b' });
    expect(await withTime(processor.query('balances.get', { id: 'b' }, { waitFor: position }))).toEqual({
      id: 'b',
      balance: 0,
    });
    expect(await processor.query('balances.get', { id: 'a' })).toEqual({ id: 'a', balance: 0 });
    expect(await processor.projections.list()).toMatchObject([{ name: 'balances', faultyRows: 1 }]);
  });

  it('gives up waiting for a position that does not come', async () => {
    const processor = await started({ projections: [balances as unknown as ProjectionDefinition] });
    await expect(withTime(processor.projections.waitFor('balances', 99))).rejects.toMatchObject({
      code: 'READ_MODEL_BEHIND',
    });
  });
});

describe('a notification', () => {
  const greeting: NotificationDefinition = {
    on: 'Account.Opened',
    requests: ({ data }) => [
      { type: 'email', to: (data as { name: string }).name, template: 'greeting', data: {}, metadata: {} },
      { type: 'push', to: (data as { name: string }).name, template: 'greeting-push', data: {}, metadata: {} },
    ],
    enrich: { greeting: () => ({ token: 'secret' }) },
  };

  function channelOf(kind: 'email' | 'push', fault: () => unknown = () => undefined) {
    const taken: ChannelMessage[] = [];
    const channel: Channel = {
      name: kind,
      kinds: [kind],
      async deliver(message) {
        const error = fault();
        if (error !== undefined) throw error;
        taken.push(message);
      },
      async close() {},
    };
    return { taken, channel };
  }

  it('is requested once, delivered once, and keeps what is signed out of the log', async () => {
    const [mail, push] = [channelOf('email'), channelOf('push')];
    const processor = await started({ notifications: [greeting], channels: [mail.channel, push.channel] });
    const { position } = await send(processor, 'a', 'Open', { name: 'a' });
    await until(() => mail.taken.length + push.taken.length === 2);
    expect(mail.taken).toMatchObject([{ kind: 'email', to: 'a', template: 'greeting', data: { token: 'secret' } }]);
    await until(async () => (await processor.log.head()) === position + 6);
    expect(JSON.stringify(await Array.fromAsync(processor.log.readAll()))).not.toContain('secret');
  });

  it('waits for a channel that is down without holding up another', async () => {
    let down = true;
    const [mail, push] = [
      channelOf('email', () => (down ? failure('CHANNEL_UNAVAILABLE') : undefined)),
      channelOf('push'),
    ];
    const processor = await started({ notifications: [greeting], channels: [mail.channel, push.channel] });
    for (let n = 0; n < 80; n += 1) await send(processor, `a${n}`, 'Open', { name: `a${n}` });
    await until(() => push.taken.length === 80);
    expect(mail.taken).toEqual([]);
    expect(await processor.deadLetters.list({ limit: 10 })).toEqual([]);
    down = false;
    await until(() => mail.taken.length === 80);
  });

  it('is a dead letter when its channel rejects it, and failed when that is discarded', async () => {
    const mail = channelOf('email', () => failure('CHANNEL_REJECTED', { found: 'no such mailbox' }));
    const processor = await started({ notifications: [greeting], channels: [mail.channel, channelOf('push').channel] });
    await send(processor, 'a', 'Open', { name: 'a' });
    await until(async () => (await processor.deadLetters.list({ limit: 10 })).length === 1);
    const [letter] = await processor.deadLetters.list({ limit: 10 });
    expect(letter).toMatchObject({ subscription: 'delivery.email', code: 'CHANNEL_REJECTED' });
    await withTime(processor.deadLetters.discard(letter?.id ?? ''));
    expect(await processor.read(letter?.stream ?? { type: 'Notification', id: '' })).toMatchObject({ state: 'failed' });
  });
});
