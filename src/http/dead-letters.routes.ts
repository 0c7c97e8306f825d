import { Type } from 'typebox';
import type { DeadLetter } from '../runtime/dead-letters.ts';
import type { Processor } from '../runtime/processor.ts';
import { EventJson, eventJson } from './event-json.ts';
import type { Routes } from './routes.ts';

const DeadLetterJson = {
  id: Type.String(),
  subscription: Type.String(),
  stream: Type.Object({ type: Type.String(), id: Type.String() }),
  version: Type.Integer(),
  eventId: Type.String(),
  eventType: Type.String(),
  position: Type.Integer(),
  code: Type.String(),
  cause: Type.String(),
  attempts: Type.Integer(),
  parkedAt: Type.String(),
};
const Id = Type.Object({ id: Type.String() });
const Done = Type.Object({ message: Type.String() });

/** The parked streams: what stopped them, and how to go on. */
export function deadLettersRoutes({ deadLetters }: Processor): Routes {
  return async (app) => {
    app.get(
      '/dead-letters',
      {
        schema: {
          summary: 'The parked streams, by page',
          tags: ['dead letters'],
          querystring: Type.Object({
            subscription: Type.Optional(Type.String()),
            after: Type.Optional(Type.String()),
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
          }),
          response: {
            200: Type.Object({
              data: Type.Array(Type.Object(DeadLetterJson)),
              nextAfter: Type.Optional(Type.String()),
            }),
          },
        },
      },
      async (request) => {
        const { limit = 100, ...page } = request.query;
        // One more than asked tells whether there is a next page.
        const found = await deadLetters.list({ ...page, limit: limit + 1 });
        const data = found.slice(0, limit).map(deadLetterJson);
        const last = data.at(-1);
        return { data, ...(found.length > limit && last !== undefined ? { nextAfter: last.id } : {}) };
      },
    );

    app.get(
      '/dead-letters/:id',
      {
        schema: {
          summary: 'A parked stream with the event that could not be handled',
          tags: ['dead letters'],
          params: Id,
          response: { 200: Type.Object({ data: Type.Object({ ...DeadLetterJson, event: EventJson }) }) },
        },
      },
      async (request) => {
        const letter = await deadLetters.get(request.params.id);
        return { data: { ...deadLetterJson(letter), event: eventJson(letter.event) } };
      },
    );

    app.delete(
      '/dead-letters/:id',
      {
        schema: {
          summary: 'Step over that one event; the stream goes on with the next',
          tags: ['dead letters'],
          params: Id,
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        await deadLetters.discard(request.params.id);
        return reply.code(204).send(null);
      },
    );

    app.post(
      '/dead-letters/:id/redrive',
      {
        schema: {
          summary: 'Handle the stream again from that event, in order',
          tags: ['dead letters'],
          params: Id,
          response: { 202: Done },
        },
      },
      async (request, reply) => {
        await deadLetters.redrive(request.params.id);
        return reply.code(202).send({ message: 'Redrive started' });
      },
    );

    app.post(
      '/dead-letters/redrive',
      {
        schema: {
          summary: 'Redrive every parked stream, of one subscription or of all',
          tags: ['dead letters'],
          body: Type.Object({ subscription: Type.Optional(Type.String()) }),
          response: { 202: Type.Object({ message: Type.String(), count: Type.Integer() }) },
        },
      },
      async (request, reply) => {
        const count = await deadLetters.redriveAll(request.body.subscription);
        return reply.code(202).send({ message: 'Redrive started', count });
      },
    );
  };
}

function deadLetterJson(letter: DeadLetter) {
  const { id, subscription, stream, version, eventId, eventType, position, code, cause, attempts, parkedAt } = letter;
  return { id, subscription, stream, version, eventId, eventType, position, code, cause, attempts, parkedAt };
}
