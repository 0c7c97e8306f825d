import { describe, expect, it } from 'vitest';
import { createDispatcher, type DispatcherOptions } from '../../../src/adapters/buses/dispatch.ts';
import type { RecordedEvent } from '../../../src/kernel/message.ts';
import { recorded, someTurns } from '../../../src/testing/bus-fixtures.ts';
import { createSimulatedClock } from '../../../src/testing/simulated-clock.ts';

/** A dispatcher whose handlers are settled by the test. */
function rig(options: Partial<DispatcherOptions> = {}) {
  const clock = createSimulatedClock();
  const begun: string[] = [];
  const done: string[] = [];
  const handlers = new Map<string, { resolve(): void; reject(error: Error): void }>();
  const nameOf = ({ stream, version }: RecordedEvent) => `${stream.id}${version}`;
  const dispatcher = createDispatcher({
    clock,
    handle(event) {
      begun.push(nameOf(event));
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      handlers.set(nameOf(event), { resolve, reject });
      return promise;
    },
    ...options,
  });
  return {
    clock,
    begun,
    done,
    dispatcher,
    offer(name: string, source = 0, bytes = 1) {
      const event = recorded({ type: 'Order', id: name.slice(0, 1) }, Number(name.slice(1)));
      dispatcher.offer({ event, source, bytes, done: () => done.push(name) });
    },
    async succeed(name: string) {
      handlers.get(name)?.resolve();
      await someTurns(2);
    },
    async fail(name: string) {
      handlers.get(name)?.reject(new Error('ill'));
      await someTurns(2);
    },
  };
}

/** Whether a promise is settled by now. */
async function settled(promise: Promise<void>): Promise<boolean> {
  let is = false;
  promise.then(() => {
    is = true;
  });
  await someTurns(2);
  return is;
}

describe('the dispatcher', () => {
  it('gives the events of one aggregate one after the other, those of others beside them', async () => {
    const { offer, succeed, begun, done } = rig();
    for (const name of ['a1', 'a2', 'b1', 'b2']) offer(name);
    expect(begun).toEqual(['a1', 'b1']);
    await succeed('a1');
    expect(begun).toEqual(['a1', 'b1', 'a2']);
    expect(done).toEqual(['a1']);
  });

  it('has no more in handlers than it may', async () => {
    const { offer, succeed, begun } = rig({ maxInFlight: 2 });
    for (const name of ['a1', 'b1', 'c1', 'a2']) offer(name);
    expect(begun).toEqual(['a1', 'b1']);
    await succeed('a1');
    expect(begun).toEqual(['a1', 'b1', 'c1']);
  });

  it('gives a rejected event again after a wait that doubles, before any later one, and acknowledges it once', async () => {
    const { offer, succeed, fail, begun, done, clock } = rig({ redeliverAfterMs: 100, maxRedeliverAfterMs: 150 });
    for (const name of ['a1', 'a2']) offer(name);
    for (const waitMs of [100, 150, 150]) {
      const before = begun.length;
      await fail('a1');
      await clock.advance(waitMs - 1);
      expect(begun).toHaveLength(before);
      await clock.advance(1);
      expect(begun).toHaveLength(before + 1);
    }
    await succeed('a1');
    expect(begun).toEqual(['a1', 'a1', 'a1', 'a1', 'a2']);
    expect(done).toEqual(['a1']);
    await fail('a2');
    await clock.advance(100);
    expect(begun.at(-1)).toBe('a2');
    expect(begun).toHaveLength(6);
  });

  it('has room again when enough was handled, by number and by bytes', async () => {
    for (const [options, bytes] of [[{ maxHeld: 2 }, 1] as const, [{ maxHeldBytes: 20 }, 10] as const]) {
      const { dispatcher, offer, succeed } = rig(options);
      offer('a1', 0, bytes);
      expect(await settled(dispatcher.room())).toBe(true);
      offer('a2', 0, bytes);
      expect(dispatcher.hasRoom()).toBe(false);
      const room = dispatcher.room();
      expect(await settled(room)).toBe(false);
      await succeed('a1');
      expect(await settled(room)).toBe(true);
    }
  });

  it('releases a source: what waits is dropped at once, what is in a handler is waited for, other sources stay', async () => {
    const { dispatcher, offer, succeed, begun, done } = rig();
    for (const name of ['a1', 'a2']) offer(name, 1);
    for (const name of ['b1', 'b2']) offer(name, 2);
    const released = dispatcher.release(1);
    expect(dispatcher.held(1)).toBe(1);
    expect(await settled(released)).toBe(false);
    await succeed('a1');
    expect(await settled(released)).toBe(true);
    await succeed('b1');
    expect(begun).toEqual(['a1', 'b1', 'b2']);
    expect(done).toEqual(['a1', 'b1']);
    expect(dispatcher.held()).toBe(1);
  });

  it('does not give again what was released while it was in a handler that then rejects', async () => {
    const { dispatcher, offer, fail, begun, done, clock } = rig();
    offer('a1', 1);
    const released = dispatcher.release(1);
    offer('a1', 1);
    await fail('a1');
    expect(await settled(released)).toBe(true);
    expect(begun).toEqual(['a1', 'a1']);
    await fail('a1');
    await dispatcher.release();
    expect(clock.waiting).toBe(0);
    expect(begun).toHaveLength(2);
    expect(done).toEqual([]);
    expect(dispatcher.held()).toBe(0);
  });

  it('begins nothing of a source that is not its own any more', async () => {
    let mine = true;
    const { dispatcher, offer, succeed, begun } = rig({ owns: (source) => mine || source !== 1 });
    for (const name of ['a1', 'a2', 'a3']) offer(name, 1);
    for (const name of ['b1', 'b2']) offer(name, 2);
    mine = false;
    await succeed('a1');
    await succeed('b1');
    expect(begun).toEqual(['a1', 'b1', 'b2']);
    expect(dispatcher.held()).toBe(1);
  });

  it('closes when no handler is under way, gives nothing more, and wakes who waits for room', async () => {
    const { dispatcher, offer, succeed, fail, begun, clock } = rig({ maxHeld: 1 });
    for (const name of ['a1', 'a2', 'b1']) offer(name);
    await fail('b1');
    const room = dispatcher.room();
    const closed = dispatcher.close();
    expect(await settled(room)).toBe(true);
    expect(await settled(closed)).toBe(false);
    await succeed('a1');
    expect(await settled(closed)).toBe(true);
    offer('c1');
    await clock.advance(60_000);
    expect(begun).toEqual(['a1', 'b1']);
    await dispatcher.close();
  });
});
