import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Static, type TObject, type TProperties, type TSchema, Type } from 'typebox';
import type { AggregateDefinition, CommandsOf } from '../kernel/definition.ts';
import { failure } from '../kernel/errors.ts';
import { CommandAccepted, commandReply, Envelope, sendCommand } from './send-command.ts';

export interface CommandRouteOptions<Body extends TProperties = TProperties> {
  /** What the answer of an accepted command says. */
  readonly message: string;
  /** The body's own fields, when they are not the command's data. Needs `data`. */
  readonly body?: Body;
  /** The command's data from the body's own fields. Default: the fields themselves. */
  readonly data?: (fields: Static<TObject<Body>>, request: FastifyRequest) => unknown | Promise<unknown>;
  readonly source?: string;
}

/**
 * Schema and handler of a route that sends one command: `app.post('/users', commandRoute(user, 'CreateUser', { … }))`.
 * The body is the command's data with `commandId`, `expectedVersion` and `correlationId` beside it; the aggregate is the
 * path's `:id`, or a new one when there is none.
 */
export function commandRoute<Definition extends AggregateDefinition, Body extends TProperties = TProperties>(
  definition: Definition,
  type: keyof CommandsOf<Definition> & string,
  options: CommandRouteOptions<Body>,
) {
  const { message, source, data = (fields) => fields } = options;
  const schema = {
    summary: `${type} to a ${definition.name}`,
    tags: [definition.name],
    body: Type.Object({ ...(options.body ?? propertiesOf(definition, type)), ...Envelope }),
    response: { 202: CommandAccepted },
  };
  const handler = async (request: FastifyRequest, reply: FastifyReply) => {
    const { commandId, expectedVersion, correlationId, occurredAt, ...fields } = request.body as CommandBody;
    const { id } = request.params as { readonly id?: string };
    const result = await sendCommand(request, {
      aggregateType: definition.name,
      type,
      data: await data(fields as Static<TObject<Body>>, request),
      ...(id === undefined ? {} : { aggregateId: id }),
      ...(commandId === undefined ? {} : { commandId }),
      ...(expectedVersion === undefined ? {} : { expectedVersion }),
      ...(correlationId === undefined ? {} : { correlationId }),
      ...(occurredAt === undefined ? {} : { occurredAt }),
      ...(source === undefined ? {} : { source }),
    });
    return commandReply(reply, result, message);
  };
  return { schema, handler };
}

interface CommandBody {
  readonly commandId?: string;
  readonly expectedVersion?: number;
  readonly correlationId?: string;
  readonly occurredAt?: string;
  readonly [field: string]: unknown;
}

function propertiesOf(definition: AggregateDefinition, type: string): TProperties {
  const schema: (TSchema & { readonly properties?: TProperties }) | undefined = definition.schemas.commands[type];
  const taken = Object.keys(schema?.properties ?? {}).filter((field) => Object.hasOwn(Envelope, field));
  if (schema?.properties !== undefined && taken.length === 0) return schema.properties;
  throw failure('INVALID_DEFINITION', {
    expected: `the data of ${definition.name}.${type} to be an object without ${Object.keys(Envelope).join(', ')}`,
    found: schema?.properties === undefined ? 'no object' : taken.join(', '),
    remedy: 'Give the route its own `body` and `data`.',
  });
}
