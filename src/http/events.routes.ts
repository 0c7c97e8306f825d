import { Type } from 'typebox';
import { failure } from '../kernel/errors.ts';
import { eventPattern } from '../ports/event-bus.ts';
import type { Logger } from '../ports/telemetry.ts';
import { EventJson, eventJson } from './event-json.ts';
import { type EventStreamSettings, streamEvents } from './event-stream.ts';
import type { RouteContext, Routes } from './routes.ts';
import { logReached, WaitFor } from './wait-for.ts';

const Position = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Filter = {
  after: Type.Optional(Position),
  /** One event type, or several by repeating the parameter. */
  type: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())])),
  /** `Aggregate.Event` with `*` for one part. */
  pattern: Type.Optional(Type.String({ pattern: eventPattern.source })),
  correlationId: Type.Optional(Type.String({ minLength: 1 })),
};
const Counts = {
  published: Type.Integer(),
  delivered: Type.Integer(),
  failed: Type.Integer(),
  retried: Type.Integer(),
  deadLettered: Type.Integer(),
  inFlight: Type.Integer(),
};

export interface EventsContext extends RouteContext {
  readonly logger: Logger;
  readonly stream: EventStreamSettings;
}

/** The global log: by pages, live, and what the bus made of it. */
export function eventsRoutes({ processor, clock, waitForMs, logger, stream }: EventsContext): Routes {
  return async (app) => {
    app.get(
      '/events',
      {
        schema: {
          summary: 'The log by position',
          tags: ['events'],
          querystring: Type.Object({
            ...Filter,
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
            ...WaitFor,
          }),
          response: {
            200: Type.Object({
              data: Type.Array(EventJson),
              /** What the next page passes as `after`; absent on the last. */
              nextAfter: Type.Optional(Position),
              /** The last position of the log. */
              head: Position,
            }),
          },
        },
      },
      async (request) => {
        const { limit = 100, waitFor, ...filter } = request.query;
        await logReached(processor.log, waitFor, { timeoutMs: waitForMs, clock });
        // Up to the head that is told: so a page that ends there misses nothing.
        const head = await processor.log.head();
        // One more than asked tells whether there is a next page.
        const read = processor.log.readAll({ ...logFilter(filter), to: head, limit: limit + 1 });
        const found = await Array.fromAsync(read);
        const data = found.slice(0, limit).map(eventJson);
        const last = data.at(-1);
        return { data, ...(found.length > limit && last !== undefined ? { nextAfter: last.position } : {}), head };
      },
    );

    const open = new Set<AbortController>();
    let closing = false;
    app.addHook('preClose', async () => {
      closing = true;
      for (const each of open) each.abort();
    });
    app.get(
      '/events/stream',
      {
        exposeHeadRoute: false,
        schema: {
          summary: 'The log after a position, then live, as Server-Sent Events; Last-Event-ID resumes',
          tags: ['events'],
          querystring: Type.Object(Filter),
          response: { 200: { content: { 'text/event-stream': { schema: Type.String() } } } },
        },
      },
      async (request, reply) => {
        const after = lastEventId(request.headers['last-event-id']) ?? request.query.after ?? 0;
        if (closing) throw failure('DRAINING');
        if (open.size >= stream.maxStreams) {
          throw failure('BUSY', { expected: `at most ${stream.maxStreams} open streams`, found: `${open.size}` });
        }
        const ended = new AbortController();
        open.add(ended);
        const { raw } = reply.hijack();
        raw.once('close', () => ended.abort());
        try {
          raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), ...STREAM_HEADERS });
          const filter = { ...logFilter(request.query), after };
          await streamEvents(raw, processor.log, filter, { ...stream, clock, signal: ended.signal });
        } catch (error) {
          logger.warn({ err: error, requestId: request.id }, 'an event stream ended; its client may resume');
        } finally {
          open.delete(ended);
          raw.end();
        }
      },
    );

    app.get(
      '/events/metrics',
      {
        schema: {
          summary: 'What the bus and the subscriptions of this worker did',
          tags: ['events'],
          response: {
            200: Type.Object({
              data: Type.Object({
                ...Counts,
                byEventType: Type.Record(Type.String(), Type.Object(Counts)),
                bySubscription: Type.Record(Type.String(), Type.Object(Counts)),
                breakers: Type.Record(
                  Type.String(),
                  Type.Union([Type.Literal('closed'), Type.Literal('open'), Type.Literal('halfOpen')]),
                ),
              }),
            }),
          },
        },
      },
      async () => ({ data: processor.metrics() }),
    );
  };
}

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // It ends when the server or the client does.
  connection: 'close',
  // Or nginx collects the events before it passes them on.
  'x-accel-buffering': 'no',
};

interface FilterQuery {
  readonly after?: number;
  readonly type?: string | string[];
  readonly pattern?: string;
  readonly correlationId?: string;
}

function logFilter({ after, type, pattern, correlationId }: FilterQuery) {
  return {
    ...(after === undefined ? {} : { after }),
    ...(type === undefined ? {} : { types: [type].flat() }),
    ...(pattern === undefined ? {} : { pattern }),
    ...(correlationId === undefined ? {} : { correlationId }),
  };
}

/** @throws MALFORMED_REQUEST when it isn't a position. */
function lastEventId(header: string | string[] | undefined): number | undefined {
  if (header === undefined || header === '') return undefined;
  if (typeof header === 'string' && /^\d{1,15}$/.test(header)) return Number(header);
  throw failure('MALFORMED_REQUEST', { expected: 'a position as Last-Event-ID', found: JSON.stringify(header) });
}
