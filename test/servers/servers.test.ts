import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import amqp from 'amqplib';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterEach, test } from 'vitest';
import { command } from './command.ts';
import { describeWithServer } from './environment.ts';
import { startPostgresql } from './postgresql.ts';
import { processTree, runs, untilEnded } from './process-tree.ts';
import { pythonPackages } from './python-packages.ts';
import { startRabbitmq } from './rabbitmq.ts';
import { startRedis } from './redis.ts';
import { says } from './says.ts';
import type { Server } from './server.ts';

let server: Server | undefined;

afterEach(async () => {
  await server?.remove();
  server = undefined;
});

describeWithServer('TEST_REDIS_URL', 'a Redis of its own', () => {
  test('keeps its data and its port over SIGKILL, and leaves neither process nor folder', async () => {
    server = await startRedis({ password: 'p/w' });
    const { url, folder, pid } = server;
    await redis(url, (client) => client.set('a', '1'));
    await server.kill();
    assert.ok(!runs(pid));
    await server.restart();
    assert.equal(server.url, url);
    assert.equal(await redis(url, (client) => client.get('a')), '1');
    const tree = processTree(server.pid);
    await server.remove();
    assert.deepEqual([tree.filter(runs), existsSync(folder)], [[], false]);
  });

  test('stands still while it is paused, and answers afterwards', async () => {
    server = await startRedis();
    const { port } = server;
    const ping = () => says(port, 'PING\r\n', /PONG/);
    await server.pause();
    await assert.rejects(ping(), /it says no more than ""/);
    server.resume();
    await ping();
  });

  test('ends with the process that started it, even by SIGKILL', async () => {
    const script = `import { startRedis } from '${new URL('redis.ts', import.meta.url)}';
      const { pid, folder } = await startRedis();
      console.log(pid, folder);`;
    const starter = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(createInterface(starter.stdout), 'line');
    const [pid, folder] = String(line).split(' ');
    assert.ok(runs(Number(pid)));
    starter.kill('SIGKILL');
    await untilEnded([Number(pid)]);
    rmSync(String(folder), { recursive: true });
  });

  test('says why when it does not start', async () => {
    await assert.rejects(
      startRedis({ args: ['--no-such-option', 'yes'] }),
      /redis did not start: it ended with 1\n.*no-such-option/s,
    );
  });
});

describeWithServer('TEST_POSTGRESQL_URL', 'a PostgreSQL of its own', () => {
  test('ends with all its children, and recovers what was committed', async () => {
    server = await startPostgresql({ password: 'p/w' });
    await query(server.url, 'create table t as select 1 as one');
    const tree = processTree(server.pid);
    assert.ok(tree.length > 3);
    await server.kill();
    assert.deepEqual(tree.filter(runs), []);
    await server.restart();
    assert.deepEqual(await query(server.url, 'select one from t'), [{ one: 1 }]);
  });

  test('may run out of room for its tables', async () => {
    server = await startPostgresql({ tablesDiskMb: 16 });
    const fill = query(server.url, `create table t as select repeat('x', 1000) from generate_series(1, 100000)`);
    await assert.rejects(fill, { code: '53100' });
    assert.deepEqual(await query(server.url, 'select 1 as one'), [{ one: 1 }]);
  });
});

describeWithServer('TEST_RABBITMQ_URL', 'a RabbitMQ of its own', () => {
  test('keeps a queue over SIGKILL, and leaves no process, its epmd neither', async () => {
    server = await startRabbitmq();
    const first = await amqp.connect(server.url);
    first.on('error', () => {});
    const channel = await first.createConfirmChannel();
    channel.on('error', () => {});
    await channel.assertQueue('q', { durable: true });
    channel.sendToQueue('q', Buffer.from('m'), { persistent: true });
    await channel.waitForConfirms();
    // RabbitMQ 3.10 that is killed soon after loses the queue that was made last: not this one.
    await channel.assertQueue('seal', { durable: true });
    await channel.deleteQueue('seal');
    const closed = new Promise((resolve) => first.on('close', resolve));
    await server.kill();
    await closed;
    await server.restart();
    const second = await amqp.connect(server.url);
    const message = await (await second.createChannel()).get('q', { noAck: true });
    assert.equal(message === false ? undefined : message.content.toString(), 'm');
    await second.close();
    const tree = processTree(server.pid);
    await server.stop();
    await untilEnded(tree);
  }, 60_000);
});

describeWithServer('TEST_NATS_URL', 'a client in Python', () => {
  test('has its packages, from PyPI, in a folder of their own', async () => {
    const folder = await pythonPackages(['nats-py==2.11.0']);
    const said = await command(['python3', '-c', 'import nats; print(nats.__file__)'], {
      environment: { PYTHONPATH: folder },
    });
    assert.ok(said.startsWith(`${folder}/`), said);
  });
});

async function redis<Result>(url: string, use: (client: Redis) => Promise<Result>): Promise<Result> {
  const client = new Redis(url);
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}

async function query(url: string, statement: string): Promise<readonly unknown[]> {
  const client = new Client(url);
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}
