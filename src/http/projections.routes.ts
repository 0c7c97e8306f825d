import { Type } from 'typebox';
import { failure } from '../kernel/errors.ts';
import type { Logger } from '../ports/telemetry.ts';
import type { Processor } from '../runtime/processor.ts';
import type { Routes } from './routes.ts';

const ProjectionJson = Type.Object({
  name: Type.String(),
  position: Type.Integer(),
  lag: Type.Integer(),
  state: Type.Enum(['waiting', 'catching-up', 'live', 'rebuilding', 'stopped', 'faulty']),
  held: Type.Boolean(),
  faultyRows: Type.Integer(),
  error: Type.Optional(Type.String()),
  rebuild: Type.Optional(Type.Object({ position: Type.Integer(), head: Type.Integer() })),
});

/** The read models: where they stand, and their rebuild. */
export function projectionsRoutes({ projections }: Processor, logger: Logger): Routes {
  return async (app) => {
    app.get(
      '/projections',
      {
        schema: {
          summary: 'Where each read model stands',
          tags: ['projections'],
          response: { 200: Type.Object({ data: Type.Array(ProjectionJson) }) },
        },
      },
      async () => ({ data: [...(await projections.list())] }),
    );

    app.post(
      '/projections/:name/rebuild',
      {
        schema: {
          summary: 'Rebuild a read model beside the live one, then swap it in',
          tags: ['projections'],
          params: Type.Object({ name: Type.String() }),
          response: { 202: Type.Object({ message: Type.String(), name: Type.String() }) },
        },
      },
      async (request, reply) => {
        const { name } = request.params;
        const known = (await projections.list()).map((each) => each.name);
        if (!known.includes(name)) {
          throw failure('UNKNOWN_PROJECTION', { expected: `one of ${known.join(', ')}`, found: JSON.stringify(name) });
        }
        // It may take an hour: its progress and its end are told by GET /projections.
        projections
          .rebuild(name)
          .catch((error: unknown) => logger.error({ err: error, projection: name }, 'a rebuild failed'));
        return reply.code(202).send({ message: 'Rebuild started', name });
      },
    );
  };
}
