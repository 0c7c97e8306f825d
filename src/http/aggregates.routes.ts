import { Type } from 'typebox';
import { failure } from '../kernel/errors.ts';
import { EventJson, eventJson } from './event-json.ts';
import { AggregateParams, streamIn } from './ids.ts';
import { instant } from './instant.ts';
import { LegalCommandSchema } from './problem.ts';
import type { RouteContext, Routes } from './routes.ts';
import { logReached, WaitFor } from './wait-for.ts';

const Version = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });

/** `GET /aggregates/:type/:id`, now or in the past, and its history. */
export function aggregatesRoutes({ processor, clock, waitForMs }: RouteContext): Routes {
  return async (app) => {
    app.get(
      '/aggregates/:type/:id',
      {
        schema: {
          summary: 'An aggregate as it is, or as it was at a version or a time',
          tags: ['aggregates'],
          params: AggregateParams,
          querystring: Type.Object({ version: Type.Optional(Version), at: Type.Optional(Type.String()), ...WaitFor }),
          response: {
            200: Type.Object({
              state: Type.Unknown(),
              context: Type.Unknown(),
              version: Type.Integer(),
              status: Type.Union([Type.Literal('active'), Type.Literal('done')]),
              commands: Type.Array(LegalCommandSchema),
            }),
          },
        },
      },
      async (request) => {
        const stream = streamIn(request.params, processor);
        const { version, at, waitFor } = request.query;
        if (version !== undefined && at !== undefined) {
          throw failure('MALFORMED_REQUEST', { expected: 'version or at', found: 'both' });
        }
        const past = version === undefined ? (at === undefined ? undefined : { time: instant('at', at) }) : { version };
        await logReached(processor.log, waitFor, { timeoutMs: waitForMs, clock });
        const view = await processor.read(stream, past);
        if (view === undefined || (version !== undefined && view.version < version)) {
          const asked = `${stream.type} ${stream.id}`;
          throw failure('NOT_FOUND', {
            expected: version === undefined ? asked : `${asked} at version ${version}`,
            found: view === undefined ? 'no events' : `version ${view.version} as its last`,
          });
        }
        const { state, context, status, commands } = view;
        return { state, context, version: view.version, status, commands: [...commands] };
      },
    );

    app.get(
      '/aggregates/:type/:id/events',
      {
        schema: {
          summary: "An aggregate's history by version",
          tags: ['aggregates'],
          params: AggregateParams,
          querystring: Type.Object({
            from: Type.Optional(Version),
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
            ...WaitFor,
          }),
          response: { 200: Type.Object({ data: Type.Array(EventJson), nextFrom: Type.Optional(Version) }) },
        },
      },
      async (request) => {
        const stream = streamIn(request.params, processor);
        const { from = 1, limit = 100, waitFor } = request.query;
        await logReached(processor.log, waitFor, { timeoutMs: waitForMs, clock });
        // One more than asked tells whether there is a next page.
        const found = await Array.fromAsync(processor.log.readStream(stream, { from, limit: limit + 1 }));
        if (found.length === 0 && (await processor.log.streamHead(stream)).version === 0) {
          throw failure('NOT_FOUND', { expected: `${stream.type} ${stream.id}`, found: 'no events' });
        }
        const next = found[limit];
        return {
          data: found.slice(0, limit).map(eventJson),
          ...(next === undefined ? {} : { nextFrom: next.version }),
        };
      },
    );
  };
}
