import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { failureOf, Problem, problemOf, problemOfRefusal } from './problem.ts';
import type { Routes } from './routes.ts';
import {
  acceptedJson,
  CommandAccepted,
  commandReply,
  Envelope,
  type HttpCommand,
  pathOf,
  sendCommand,
} from './send-command.ts';
import { validatorCompiler } from './validation.ts';

/** One command to any aggregate. */
const OneCommand = Type.Object({
  type: Type.String(),
  aggregateType: Type.String(),
  /** Default: a new aggregate. */
  aggregateId: Type.Optional(Type.String()),
  data: Type.Optional(Type.Unknown()),
  ...Envelope,
});
const ManyCommands = Type.Array(OneCommand, { minItems: 1, maxItems: 1000 });

const OneResult = Type.Union([Type.Object({ status: Type.Literal(202), ...CommandAccepted.properties }), Problem]);

/** `POST /commands`: one command, answered as its own route would; or an array of them, each on its own, put into the
 * mailboxes in order and answered 207 with one result each, in order. */
export const commandsRoutes: Routes = async (app) => {
  app.route({
    method: 'POST',
    url: '/commands',
    schema: {
      summary: 'Send one command, or several in order',
      tags: ['commands'],
      body: Type.Union([OneCommand, ManyCommands]),
      response: { 202: CommandAccepted, 207: Type.Array(OneResult) },
    },
    // A union's misfits say little: the body's own kind decides what it is checked against.
    validatorCompiler: () => (body: unknown) => (Array.isArray(body) ? checkMany : checkOne)(body),
    async handler(request, reply) {
      const { body } = request;
      if (!isMany(body)) return commandReply(reply, await sendCommand(request, read(body)), MESSAGE);
      return reply
        .code(207)
        .send(await Promise.all(body.map((command, index) => result(request, read(command), index))));
    },
  });
};

const MESSAGE = 'Command accepted';

const checkOne = validatorCompiler({ schema: OneCommand, httpPart: 'body', method: 'POST', url: '/commands' });
const checkMany = validatorCompiler({ schema: ManyCommands, httpPart: 'body', method: 'POST', url: '/commands' });

type Body = Static<typeof OneCommand>;

const isMany = (body: Body | Body[]): body is Body[] => Array.isArray(body);

const read = ({ data = {}, ...command }: Body): HttpCommand => ({ ...command, data });

async function result(request: FastifyRequest, command: HttpCommand, index: number): Promise<Static<typeof OneResult>> {
  const instance = `${pathOf(request)}#${index}`;
  try {
    const result = await sendCommand(request, command, index);
    if (result.status === 'refused') return problemOfRefusal(result, instance);
    return { status: 202, ...acceptedJson(result, MESSAGE) };
  } catch (error) {
    return problemOf(failureOf(error), instance);
  }
}
