import type { InjectOptions } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { expect, it } from 'vitest';
import { user } from '../../machines/user.machine.ts';
import { prometheusTelemetry } from '../../src/adapters/telemetry/prometheus.ts';
import { commandRoute } from '../../src/http/command-route.ts';
import type { Routes } from '../../src/http/routes.ts';
import { defineProjection } from '../../src/runtime/define.ts';
import { ada, createUser, type Rig, startRig } from './rig.ts';

interface Operation {
  readonly responses: Record<string, { readonly content?: Record<string, { readonly schema: TSchema }> }>;
  readonly requestBody?: { readonly content: Record<string, { readonly schema: TSchema }> };
}
interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, TSchema> };
}

const routes: Routes[] = [
  async (app) => void app.post('/users', commandRoute(user, 'CreateUser', { message: 'User creation initiated' })),
];
const rows = defineProjection({ name: 'rows', on: ['User.*'], key: ({ stream }) => stream.id, fold: () => ({}) });

async function rigWithDocument(): Promise<Rig & { document: Document }> {
  const telemetry = prometheusTelemetry();
  const rig = await startRig({ processor: { projections: [rows] }, server: { routes, telemetry } });
  return { ...rig, document: (await rig.app.inject('/openapi.json')).json() };
}

/** The document's schema with its references put in. */
function resolved(schema: unknown, document: Document): TSchema {
  if (Array.isArray(schema)) return schema.map((each) => resolved(each, document)) as unknown as TSchema;
  if (typeof schema !== 'object' || schema === null) return schema as unknown as TSchema;
  const { $ref } = schema as { readonly $ref?: string };
  const target = $ref?.replace('#/components/schemas/', '');
  if (target !== undefined) return resolved(document.components.schemas[target], document);
  return Object.fromEntries(Object.entries(schema).map(([key, each]) => [key, resolved(each, document)])) as TSchema;
}

it('lists every route, the application’s own too, and every command of every aggregate', async () => {
  const { document } = await rigWithDocument();
  expect(document.openapi).toBe('3.1.0');
  expect(Object.keys(document.paths).sort()).toEqual([
    '/aggregates/{type}/{id}',
    '/aggregates/{type}/{id}/events',
    '/commands',
    '/dead-letters',
    '/dead-letters/redrive',
    '/dead-letters/{id}',
    '/dead-letters/{id}/redrive',
    '/events',
    '/events/metrics',
    '/events/stream',
    '/health',
    '/health/live',
    '/health/ready',
    '/machines',
    '/machines/{name}',
    '/metrics',
    '/projections',
    '/projections/{name}/rebuild',
    '/replay',
    '/users',
  ]);
  expect(Object.keys(document.components.schemas)).toEqual(
    expect.arrayContaining(['Problem', 'User.CreateUser', 'User.DeactivateUser', 'Order.PlaceOrder']),
  );
  for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path))) {
    expect(operation.responses.default?.content).toHaveProperty(['application/problem+json']);
  }
});

it('describes the bodies of POST /commands as they are taken', async () => {
  const { document } = await rigWithDocument();
  const body = document.paths['/commands']?.post?.requestBody?.content['application/json']?.schema;
  const validator = Compile(resolved(body, document));
  expect(validator.Check(createUser('ada', ada))).toBe(true);
  expect(validator.Check([createUser('ada', ada), { type: 'VerifyEmail', aggregateType: 'User', data: {} }])).toBe(
    true,
  );
  expect(validator.Check(createUser('ada', { ...ada, age: 1 }))).toBe(false);
  expect(validator.Check({ ...createUser('ada', ada), aggregateType: 'Order' })).toBe(false);
});

const id = 'ada';
const cases: readonly (readonly [path: string, request: InjectOptions, status: number])[] = [
  ['/commands', { method: 'POST', url: '/commands', payload: createUser('bob') }, 202],
  ['/commands', { method: 'POST', url: '/commands', payload: [createUser('eve'), createUser(id)] }, 207],
  ['/commands', { method: 'POST', url: '/commands', payload: createUser(id) }, 409],
  ['/commands', { method: 'POST', url: '/commands', payload: {} }, 400],
  ['/users', { method: 'POST', url: '/users', payload: { ...ada, email: 'new@example.org' } }, 202],
  ['/aggregates/{type}/{id}', { url: `/aggregates/User/${id}` }, 200],
  ['/aggregates/{type}/{id}', { url: '/aggregates/User/nobody' }, 404],
  ['/aggregates/{type}/{id}/events', { url: `/aggregates/User/${id}/events` }, 200],
  ['/events', { url: '/events?limit=1' }, 200],
  ['/events/metrics', { url: '/events/metrics' }, 200],
  ['/machines', { url: '/machines' }, 200],
  ['/machines/{name}', { url: '/machines/User' }, 200],
  ['/machines/{name}', { url: '/machines/User.mmd' }, 200],
  ['/projections', { url: '/projections' }, 200],
  ['/projections/{name}/rebuild', { method: 'POST', url: '/projections/rows/rebuild' }, 202],
  ['/dead-letters', { url: '/dead-letters' }, 200],
  ['/dead-letters/redrive', { method: 'POST', url: '/dead-letters/redrive' }, 202],
  ['/dead-letters/{id}', { url: '/dead-letters/none' }, 404],
  ['/replay', { url: '/replay' }, 200],
  ['/health', { url: '/health' }, 200],
  ['/health/live', { url: '/health/live' }, 200],
  ['/health/ready', { url: '/health/ready' }, 200],
  ['/metrics', { url: '/metrics' }, 200],
];

it.each(cases)('%s answers as it says: %j with %i', async (path, request, status) => {
  const { app, document } = await rigWithDocument();
  await app.inject({ method: 'POST', url: '/commands', payload: createUser(id, ada) });
  const answer = await app.inject(request);
  expect(answer.statusCode).toBe(status);
  const { responses } = document.paths[path]?.[(request.method ?? 'GET').toLowerCase()] ?? { responses: {} };
  const [type = ''] = String(answer.headers['content-type']).split(';');
  const schema = (responses[status] ?? responses.default)?.content?.[type]?.schema;
  expect(schema, `${path} ${status} ${type}`).toBeDefined();
  const value: unknown = type.endsWith('json') ? answer.json() : answer.body;
  // Closed: a field that the document doesn't tell is a fault too.
  expect(Compile(closed(resolved(schema, document))).Errors(value)).toEqual([]);
});

/** The schema, taking no field that it doesn't name. */
function closed(schema: TSchema): TSchema {
  return JSON.parse(JSON.stringify(schema), (_key, each) =>
    each?.type === 'object' && each.properties !== undefined ? { ...each, unevaluatedProperties: false } : each,
  );
}
