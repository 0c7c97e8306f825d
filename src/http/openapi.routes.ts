import { type TSchema, Type } from 'typebox';
import { closed } from '../kernel/schema.ts';
import type { Processor } from '../runtime/processor.ts';
import { Problem } from './problem.ts';
import type { Routes } from './routes.ts';
import { Envelope } from './send-command.ts';

/** `GET /openapi.json`: every route that has a schema, the application's own too, and every aggregate's commands. */
export function openApiRoutes({ aggregates }: Processor): Routes {
  return async (app) => {
    let document: object | undefined;
    app.get('/openapi.json', { schema: { hide: true } }, async () => {
      document ??= withCommands(app.swagger() as unknown as OpenApi, aggregates);
      return document;
    });
  };
}

interface OpenApi {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { schemas?: Record<string, unknown> };
}
interface Operation {
  requestBody?: unknown;
  responses: Record<string, unknown>;
}

/** Adds what no route's schema says: the commands by name, and that any route may answer a problem. */
function withCommands(document: OpenApi, aggregates: Processor['aggregates']): OpenApi {
  const open = [...aggregates.values()].filter(({ definition }) => !definition.internal);
  const commands = open.flatMap(({ name, definition }) =>
    Object.entries(definition.schemas.commands).map(
      ([type, data]) => [`${name}.${type}`, commandSchema(name, type, data)] as const,
    ),
  );
  const schemas = { ...document.components.schemas, Problem, ...Object.fromEntries(commands) };
  const problem = {
    description: 'What went wrong: docs/errors.md explains each code',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path))) {
    operation.responses.default ??= problem;
  }
  const send = document.paths['/commands']?.post;
  if (send !== undefined && commands.length > 0) {
    const any = { anyOf: commands.map(([name]) => ({ $ref: `#/components/schemas/${name}` })) };
    const schema = { anyOf: [...any.anyOf, { type: 'array', items: any, minItems: 1, maxItems: 1000 }] };
    send.requestBody = { required: true, content: { 'application/json': { schema } } };
  }
  return { ...document, components: { ...document.components, schemas } };
}

function commandSchema(aggregateType: string, type: string, data: TSchema): TSchema {
  const schema = Type.Object({
    type: Type.Literal(type),
    aggregateType: Type.Literal(aggregateType),
    aggregateId: Type.Optional(Type.String()),
    data,
    ...Envelope,
  });
  return closed(schema);
}
