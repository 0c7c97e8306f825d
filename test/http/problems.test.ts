import { connect } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { Problem, problemOf } from '../../src/http/problem.ts';
import { type ErrorCode, errorTable, failure } from '../../src/kernel/errors.ts';
import { compileSchema } from '../../src/kernel/schema.ts';
import type { Logger } from '../../src/ports/telemetry.ts';
import { ada, bodyOf, createUser, holdAppends, listen, open, startRig } from './rig.ts';

const json = { 'content-type': 'application/json' };

/** A logger that keeps what it is told. */
function recordingLogger() {
  const lines: { readonly level: string; readonly facts: object; readonly message: string }[] = [];
  const at = (level: string) => (facts: object, message: string) => void lines.push({ level, facts, message });
  const logger: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { logger, lines, text: () => JSON.stringify(lines) };
}

/** Sends bytes over a socket and gives everything that comes back. */
function raw(port: number, ...pieces: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => pieces.forEach((piece) => void socket.write(piece)));
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
}

describe('every code of the table', () => {
  it.each(Object.keys(errorTable) as ErrorCode[])('%s is a complete problem', (code) => {
    const problem = problemOf(failure(code, { details: { commands: [], actual: 1 } }), '/here');
    expect(compileSchema(Problem).misfits(problem)).toEqual([]);
    expect(problem).toMatchObject({ type: `/docs/errors#${code}`, status: errorTable[code].status, instance: '/here' });
    expect([problem.error, problem.message]).toEqual([problem.title, problem.detail]);
  });
});

describe('a request that is not understood', () => {
  it.each([
    ['JSON that ends early', '{"type":', 'found Unexpected end of JSON input'],
    ['no JSON', 'type=CreateUser', 'expected JSON'],
    ['a text where an object belongs', '"CreateUser"', 'body'],
    ['null', 'null', 'body.type'],
    ['no body', '', 'body.type'],
    [
      'a key that reaches a prototype',
      '{"type":"x","aggregateType":"User","data":{"__proto__":{"admin":true}}}',
      '__proto__',
    ],
    ['such a key, escaped', '{"type":"x","aggregateType":"User","data":[{"\\u005f_proto__":1}]}', '__proto__'],
    ['a constructor with a prototype', '{"data":{"constructor":{"prototype":{}}}}', 'constructor.prototype'],
    ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'UTF-8'],
  ])('%s is answered 400', async (_, payload, says) => {
    const { app } = await startRig();
    const answer = await app.inject({ method: 'POST', url: '/commands', payload, headers: json });
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'MALFORMED_REQUEST']);
    expect(answer.json().detail.replace(/^body$/, '')).toContain(says);
  });

  it('names what was expected and found, field by field', async () => {
    const { app } = await startRig();
    const answer = await app.inject({ method: 'POST', url: '/commands', payload: { type: 1, aggregateType: 'User' } });
    expect(answer.json().details.misfits).toEqual([
      { path: 'body.type', expected: 'a value of type string', found: '1' },
    ]);
  });

  it('takes a field called constructor that reaches nothing, and a byte order mark', async () => {
    const { app } = await startRig();
    const payload = '\ufeff{"type":"CreateUser","aggregateType":"User","data":{"constructor":"ACME"}}';
    const answer = await app.inject({ method: 'POST', url: '/commands', payload, headers: json });
    expect(answer.json().code).toBe('INVALID_COMMAND');
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    'nonsense',
  ])('%s is answered 415', async (type) => {
    const { app } = await startRig();
    const answer = await app.inject({
      method: 'POST',
      url: '/commands',
      payload: '{}',
      headers: { 'content-type': type },
    });
    expect([answer.statusCode, answer.json().code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
  });

  it('a body over the limit is answered 413, told before or not', async () => {
    const { app } = await startRig({ server: { bodyLimitBytes: 100 } });
    const port = await listen(app);
    const body = JSON.stringify(createUser('ada', { ...ada, firstName: 'x'.repeat(100) }));
    for (const headers of [
      { ...json, 'content-length': body.length },
      { ...json, 'transfer-encoding': 'chunked' },
    ]) {
      const answer = await open(port, { method: 'POST', path: '/commands', headers }, body);
      expect([answer.statusCode, JSON.parse(await bodyOf(answer)).code]).toEqual([413, 'BODY_TOO_LARGE']);
    }
  });

  it('an unknown path is answered 404', async () => {
    const { app } = await startRig();
    const answer = await app.inject('/nowhere?token=secret');
    expect([answer.statusCode, answer.json().code, answer.json().instance]).toEqual([404, 'NOT_FOUND', '/nowhere']);
  });

  it.each([
    ['PUT', '/commands', 'OPTIONS, POST'],
    ['GET', '/commands', 'OPTIONS, POST'],
    ['POST', '/events', 'GET, HEAD, OPTIONS'],
    ['HEAD', '/events/stream', 'GET, OPTIONS'],
    ['PATCH', '/dead-letters/1', 'DELETE, GET, HEAD, OPTIONS'],
  ] as const)('%s %s is answered 405 with Allow', async (method, url, allow) => {
    const { app } = await startRig();
    const answer = await app.inject({ method, url });
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, allow]);
    if (method !== 'HEAD') expect(answer.json().code).toBe('METHOD_NOT_ALLOWED');
  });

  it('OPTIONS tells what is allowed', async () => {
    const { app } = await startRig();
    const answer = await app.inject({ method: 'OPTIONS', url: '/commands' });
    expect([answer.statusCode, answer.headers.allow, answer.body]).toEqual([204, 'OPTIONS, POST', '']);
  });

  it('broken HTTP, too large headers and a body that does not arrive are answered as problems too', async () => {
    const { app } = await startRig({ server: { requestTimeoutMs: 100 } });
    const port = await listen(app);
    const broken = await raw(port, 'NONSENSE\r\n\r\n');
    expect(broken).toMatch(/^HTTP\/1\.1 400 [\s\S]*"code":"MALFORMED_REQUEST"/);
    const large = await raw(port, `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(large).toMatch(/^HTTP\/1\.1 431 [\s\S]*"code":"HEADERS_TOO_LARGE"/);
    const slow = await raw(
      port,
      'POST /commands HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
    );
    expect(slow).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"REQUEST_TIMED_OUT"/);
  });

  it('a client that hangs up in the middle of its body hurts nobody', async () => {
    const { app } = await startRig();
    const port = await listen(app);
    const socket = connect(port, '127.0.0.1');
    socket.write('POST /commands HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{');
    await vi.waitUntil(async () => (await connectionCount(app.server)) === 1);
    socket.destroy();
    await vi.waitUntil(async () => (await connectionCount(app.server)) === 0);
    expect((await open(port, { path: '/health/live' })).statusCode).toBe(200);
  });
});

describe('a request that may not be', () => {
  it('is answered 401 with a challenge, on every route but health', async () => {
    const authenticate = () => {
      throw failure('UNAUTHENTICATED');
    };
    const { app } = await startRig({ server: { authenticate } });
    const answer = await app.inject('/events');
    expect([answer.statusCode, answer.json().code]).toEqual([401, 'UNAUTHENTICATED']);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect((await app.inject('/health')).statusCode).toBe(200);
  });

  it('is answered 403 when a page of another site makes a browser send it', async () => {
    const { app } = await startRig();
    const headers = { 'sec-fetch-site': 'cross-site' };
    const answer = await app.inject({ method: 'POST', url: '/dead-letters/redrive', headers });
    expect([answer.statusCode, answer.json().code]).toEqual([403, 'FORBIDDEN']);
    expect((await app.inject({ url: '/events', headers })).statusCode).toBe(200);
  });
});

describe('a request that cannot be served now', () => {
  it('is answered 429 with Retry-After when the mailbox is full', async () => {
    const { app, store } = await startRig({ processor: { settings: { mailboxCapacity: 1 } } });
    const streamHead = store.events.streamHead.bind(store.events);
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    store.events.streamHead = async (stream) => {
      await held;
      return streamHead(stream);
    };
    const post = () => app.inject({ method: 'POST', url: '/commands', payload: createUser('ada', ada) });
    // The aggregate is still being woken: there is room for few.
    const sent = [post(), post(), post(), post()];
    const refused = await Promise.race(sent);
    letGo();
    expect([refused.statusCode, refused.json().code]).toEqual([429, 'MAILBOX_FULL']);
    expect(refused.headers['retry-after']).toBe('1');
    expect((await Promise.all(sent)).map(({ statusCode }) => statusCode)).toContain(202);
  });

  it('is answered 503 with the ids to try again when a command takes too long', async () => {
    const rig = await startRig({ server: { commandTimeoutMs: 20 } });
    const { app } = rig;
    const appends = holdAppends(rig);
    const request = {
      method: 'POST' as const,
      url: '/commands',
      payload: { ...createUser('ada', ada), commandId: 'c1' },
    };
    const answer = await app.inject(request);
    expect([answer.statusCode, answer.json().code]).toEqual([503, 'COMMAND_TIMED_OUT']);
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.json().details).toEqual({ aggregateId: 'ada', commandId: 'c1' });
    appends.letGo();
    await vi.waitUntil(async () => (await app.inject(request)).statusCode === 202);
  });

  it('is answered 503 after the store was closed', async () => {
    const { app, store } = await startRig();
    await store.close();
    const answer = await app.inject('/events');
    expect([answer.statusCode, answer.json().code]).toEqual([503, 'STORE_CLOSED']);
  });

  it('is answered 500 for a foreign error, whose text stays in the log', async () => {
    const { logger, lines, text } = recordingLogger();
    const { app, store } = await startRig({ server: { logger } });
    store.events.head = () => Promise.reject(new Error('password=hunter2'));
    const answer = await app.inject('/events');
    expect([answer.statusCode, answer.json().code]).toEqual([500, 'INTERNAL']);
    expect(answer.body).not.toContain('hunter2');
    expect(lines).toContainEqual(expect.objectContaining({ level: 'error', message: 'a request failed' }));
    expect(text()).not.toContain('undefined');
  });
});

describe('every answer', () => {
  it('carries a request id, the caller’s own when it is a plain word', async () => {
    const { app } = await startRig();
    const own = await app.inject({ url: '/events', headers: { 'x-request-id': 'trace-7.1' } });
    expect(own.headers['x-request-id']).toBe('trace-7.1');
    const odd = await app.inject({ url: '/nowhere', headers: { 'x-request-id': 'a b' } });
    expect(odd.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('is not kept, sniffed or framed by a browser', async () => {
    const { app } = await startRig();
    for (const url of ['/events', '/nowhere']) {
      expect((await app.inject(url)).headers).toMatchObject({
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
      });
    }
  });

  it('leaves one line in the access log, without query, headers or body', async () => {
    const { logger, lines, text } = recordingLogger();
    const { app } = await startRig({ server: { logger, authenticate: () => ({ id: 'eve' }) } });
    const headers = { authorization: 'Bearer hunter2', 'x-request-id': 'r1' };
    await app.inject({ url: '/aggregates/User/ada?waitFor=0&token=hunter2', headers });
    await vi.waitUntil(() => lines.length === 1);
    expect(lines[0]).toMatchObject({
      level: 'info',
      message: 'request',
      facts: {
        requestId: 'r1',
        method: 'GET',
        path: '/aggregates/User/ada',
        route: '/aggregates/:type/:id',
        status: 400,
        userId: 'eve',
      },
    });
    expect(text()).not.toContain('hunter2');
  });
});

function connectionCount(server: {
  getConnections(callback: (error: Error | null, count: number) => void): void;
}): Promise<number> {
  return new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
}
