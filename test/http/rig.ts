import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { onTestFinished } from 'vitest';
import { order } from '../../machines/order.machine.ts';
import { user } from '../../machines/user.machine.ts';
import { memoryBus } from '../../src/adapters/buses/memory.ts';
import { memoryStore } from '../../src/adapters/stores/memory/memory.ts';
import { createServer, type ServerOptions } from '../../src/http/server.ts';
import type { Store } from '../../src/ports/store.ts';
import { defineAggregate } from '../../src/runtime/define.ts';
import type { Processor, ProcessorOptions } from '../../src/runtime/processor.ts';
import { createProcessor } from '../../src/runtime/processor.ts';

export interface Rig {
  readonly app: FastifyInstance;
  readonly processor: Processor;
  readonly store: Store;
}

export interface RigOptions {
  readonly store?: Store;
  readonly processor?: Partial<ProcessorOptions>;
  readonly server?: Partial<ServerOptions>;
}

/** A server over a real processor with users and orders; closed when the test is finished. */
export async function startRig({ store = memoryStore(), processor: parts, server }: RigOptions = {}): Promise<Rig> {
  const processor = createProcessor({
    store,
    bus: memoryBus(),
    aggregates: [defineAggregate(user), defineAggregate(order)],
    ...parts,
  });
  await processor.start();
  const app = createServer({ processor, version: '1.2.3', ...server });
  onTestFinished(async () => {
    await app.close();
    await processor.drain();
  });
  await app.ready();
  return { app, processor, store };
}

export const ada = { email: 'ada@example.org', firstName: 'Ada', lastName: 'Lovelace' };

/** The body of `POST /commands` that creates this user. */
export const createUser = (id: string, data: object = { ...ada, email: `${encodeURIComponent(id)}@example.org` }) => ({
  type: 'CreateUser',
  aggregateType: 'User',
  aggregateId: id,
  data,
});

/** Holds every append until it is let go. */
export function holdAppends({ store }: Pick<Rig, 'store'>) {
  const append = store.events.append.bind(store.events);
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let waiting = 0;
  store.events.append = async (entries) => {
    waiting += 1;
    await held;
    return append(entries);
  };
  return { letGo: () => letGo(), isWaiting: () => waiting > 0 };
}

/** Listens on a free port of this machine. */
export async function listen(app: FastifyInstance): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}

/** The head of an answer over a real socket; its body comes as it comes. */
export function open(port: number, options: RequestOptions, body?: string | Buffer): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: '127.0.0.1', port, ...options }, resolve);
    sent.on('error', reject);
    sent.end(body);
  });
}

export async function bodyOf(message: IncomingMessage): Promise<string> {
  const chunks = await Array.fromAsync(message as AsyncIterable<Buffer>);
  return Buffer.concat(chunks).toString();
}
