import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import type { RecordedEvent } from '../../src/kernel/message.ts';
import { bodyOf, createUser, listen, open, type Rig, startRig } from './rig.ts';

const stream = { heartbeatMs: 60_000, pollMs: 1_000, stallMs: 60_000 };

async function create({ app }: Rig, ...ids: string[]): Promise<void> {
  await app.inject({ method: 'POST', url: '/commands', payload: ids.map((id) => createUser(id)) });
}

/** Reads events as they come, until there are `count` of them. */
async function take(message: IncomingMessage, count: number): Promise<{ ids: string[]; events: RecordedEvent[] }> {
  const ids: string[] = [];
  const events: RecordedEvent[] = [];
  let text = '';
  for await (const chunk of message.iterator({ destroyOnReturn: false })) {
    text += chunk;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const id = /^id: (.*)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (id === undefined || data === undefined) continue;
      ids.push(id);
      events.push(JSON.parse(data));
    }
    if (events.length >= count) break;
  }
  return { ids, events };
}

const positions = (events: readonly RecordedEvent[]) => events.map(({ position }) => position);

describe('GET /events/stream', () => {
  it('gives what is recorded, then what comes, with positions as ids', async () => {
    const rig = await startRig({ server: { stream } });
    const port = await listen(rig.app);
    await create(rig, 'a', 'b');
    const message = await open(port, { path: '/events/stream' });
    expect(message.statusCode).toBe(200);
    expect(message.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    const recorded = await take(message, 2);
    expect(recorded.ids).toEqual(['1', '2']);
    await create(rig, 'c');
    const { events } = await take(message, 1);
    expect(events[0]).toMatchObject({ position: 3, type: 'UserCreated', stream: { type: 'User', id: 'c' } });
    message.destroy();
  });

  it('resumes by Last-Event-ID, which outweighs after, without loss or repeat while others write', async () => {
    const rig = await startRig({ server: { stream } });
    const port = await listen(rig.app);
    const writing = (async () => {
      for (let i = 0; i < 60; i += 1) await create(rig, `u${i}`);
    })();
    const seen: number[] = [];
    while (seen.length < 60) {
      const last = seen.at(-1);
      const headers = last === undefined ? {} : { 'last-event-id': String(last) };
      const message = await open(port, { path: '/events/stream?after=0', headers });
      seen.push(...positions((await take(message, Math.min(7, 60 - seen.length))).events));
      message.destroy();
    }
    await writing;
    expect(seen).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
  });

  it('filters by pattern, and goes on after what it left out', async () => {
    const rig = await startRig({ server: { stream } });
    const port = await listen(rig.app);
    await create(rig, 'a', 'b');
    const message = await open(port, { path: '/events/stream?pattern=*.EmailVerified' });
    const verify = { type: 'VerifyEmail', aggregateType: 'User', aggregateId: 'b' };
    await rig.app.inject({ method: 'POST', url: '/commands', payload: verify });
    expect((await take(message, 1)).ids).toEqual(['3']);
    message.destroy();
  });

  it('notices an append that no watch told, by looking', async () => {
    const rig = await startRig({ server: { stream: { ...stream, pollMs: 10 } } });
    vi.spyOn(rig.store.events, 'watch').mockReturnValue(() => {});
    const port = await listen(rig.app);
    const message = await open(port, { path: '/events/stream' });
    await create(rig, 'a');
    expect((await take(message, 1)).ids).toEqual(['1']);
    message.destroy();
  });

  it('keeps a quiet connection alive with comments', async () => {
    const rig = await startRig({ server: { stream: { ...stream, heartbeatMs: 10 } } });
    const port = await listen(rig.app);
    const message = await open(port, { path: '/events/stream' });
    let text = '';
    for await (const chunk of message) {
      text += chunk;
      if (text.includes(':\n\n:\n\n')) break;
    }
    expect(text.startsWith('retry: 1000\n\n')).toBe(true);
  });

  it('reads no further than a client takes, and lets it go when it takes nothing', async () => {
    const rig = await startRig({ server: { stream: { ...stream, stallMs: 200 } } });
    const port = await listen(rig.app);
    const big = Array.from({ length: 400 }, (_, i) =>
      createUser(`u${i}`, { email: `u${i}@example.org`, firstName: 'x'.repeat(100), lastName: 'y' }),
    );
    await rig.app.inject({ method: 'POST', url: '/commands', payload: big });
    const readAll = rig.store.events.readAll.bind(rig.store.events);
    let read = 0;
    rig.store.events.readAll = async function* (filter) {
      if (filter?.pattern !== 'User.*') return yield* readAll(filter);
      // The same log, over and over: more than any socket buffers.
      for (let round = 0; round < 1_000; round += 1) {
        for await (const event of readAll({ ...filter, after: 0 })) {
          read += 1;
          yield event;
        }
      }
    };
    const socket = connect(port, '127.0.0.1');
    socket.pause();
    socket.write('GET /events/stream?pattern=User.* HTTP/1.1\r\nHost: x\r\n\r\n');
    // Resolves when the server cut the connection; until then the client took nothing.
    await vi.waitUntil(async () => (await connections(rig)) === 0 && read > 0, { timeout: 10_000, interval: 20 });
    expect(read).toBeLessThan(100_000);
    socket.destroy();
  });

  it('forgets a client that went away', async () => {
    const rig = await startRig({ server: { stream: { ...stream, maxStreams: 1 } } });
    const port = await listen(rig.app);
    const first = await open(port, { path: '/events/stream' });
    const second = await open(port, { path: '/events/stream' });
    expect([second.statusCode, JSON.parse(await bodyOf(second)).code]).toEqual([503, 'BUSY']);
    first.destroy();
    await vi.waitUntil(async () => {
      const again = await open(port, { path: '/events/stream' });
      again.destroy();
      return again.statusCode === 200;
    });
  });

  it('ends every stream when the server closes', async () => {
    const rig = await startRig({ server: { stream } });
    const port = await listen(rig.app);
    const message = await open(port, { path: '/events/stream' });
    const rest = bodyOf(message);
    await rig.app.close();
    expect(await rest).toBe('retry: 1000\n\n');
  });

  it.each([
    ['pattern=nothing', {}],
    ['after=x', {}],
    ['', { 'last-event-id': 'abc' }],
  ])('refuses ?%s with headers %j before it begins', async (query, headers) => {
    const { app } = await startRig();
    const answer = await app.inject({ url: `/events/stream?${query}`, headers });
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'MALFORMED_REQUEST']);
  });
});

function connections({ app }: Rig): Promise<number> {
  return new Promise((resolve, reject) => {
    app.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}
