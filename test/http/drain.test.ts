import { Agent } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { ada, bodyOf, createUser, holdAppends, listen, open, startRig } from './rig.ts';

const post = { method: 'POST', path: '/commands', headers: { 'content-type': 'application/json' } };

describe('close()', () => {
  it('finishes what is under way, and takes no new connection', async () => {
    const rig = await startRig();
    const port = await listen(rig.app);
    const appends = holdAppends(rig);
    const answer = open(port, post, JSON.stringify(createUser('ada', ada)));
    await vi.waitUntil(appends.isWaiting);
    const closed = rig.app.close();
    await vi.waitUntil(() => isRefused(port));
    appends.letGo();
    expect((await answer).statusCode).toBe(202);
    expect((await answer).headers.connection).toBe('close');
    await closed;
  });

  it('tells a request that arrives meanwhile DRAINING, and to close its connection', async () => {
    const rig = await startRig();
    const port = await listen(rig.app);
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    const ended = new Promise((resolve) => socket.on('end', resolve));
    socket.write('GET /events HTTP/1.1\r\nHost: ');
    await vi.waitUntil(
      () => new Promise((resolve) => rig.app.server.getConnections((_, count) => resolve(count === 1))),
    );
    const closed = rig.app.close();
    await vi.waitUntil(() => isRefused(port));
    socket.write('x\r\n\r\n');
    await ended;
    await closed;
    expect(text).toMatch(/^HTTP\/1\.1 503/);
    expect(text.toLowerCase()).toContain('\r\nconnection: close\r\n');
    expect(text.toLowerCase()).toContain('\r\nretry-after: 1\r\n');
    expect(text).toContain('"code":"DRAINING"');
  });

  it('closes idle connections at once', async () => {
    const rig = await startRig();
    const port = await listen(rig.app);
    const agent = new Agent({ keepAlive: true });
    await bodyOf(await open(port, { path: '/events', agent }));
    await rig.app.close();
    agent.destroy();
  });

  it('cuts what is still open after its time', async () => {
    const rig = await startRig({ server: { drainTimeoutMs: 50 } });
    const port = await listen(rig.app);
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    const closed = new Promise((resolve) => socket.on('close', resolve));
    // A request that never ends arriving.
    socket.write('POST /commands HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{');
    await vi.waitUntil(
      () => new Promise((resolve) => rig.app.server.getConnections((_, count) => resolve(count === 1))),
    );
    await rig.app.close();
    await closed;
  });

  it('is followed by DRAINING from the processor for who sends in the process', async () => {
    const rig = await startRig();
    await rig.processor.drain();
    const answer = await rig.app.inject({ method: 'POST', url: '/commands', payload: createUser('ada', ada) });
    expect([answer.statusCode, answer.json().code]).toEqual([503, 'DRAINING']);
    expect(answer.headers).toMatchObject({ 'retry-after': '1', connection: 'close' });
  });
});

const isRefused = (port: number): Promise<boolean> =>
  open(port, { path: '/events' }).then(
    () => false,
    () => true,
  );
