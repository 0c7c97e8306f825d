import { Type } from 'typebox';
import { type Clock, isoTime } from '../kernel/clock.ts';
import type { Processor } from '../runtime/processor.ts';
import type { Routes } from './routes.ts';

const State = Type.Union([Type.Literal('up'), Type.Literal('degraded'), Type.Literal('down')]);
const Part = { status: State, detail: Type.Optional(Type.String()) };
const Times = { timestamp: Type.String(), version: Type.String(), uptimeSeconds: Type.Number() };
const HealthJson = Type.Object({
  status: State,
  ...Times,
  eventStore: Type.Object({ ...Part, provider: Type.String() }),
  eventBus: Type.Object({ ...Part, provider: Type.String() }),
  parts: Type.Record(Type.String(), Type.Object(Part)),
});
const ProbeJson = Type.Object({ status: State, ...Times });

export interface HealthContext {
  readonly processor: Processor;
  readonly clock: Clock;
  readonly version: string;
}

/** Whether the process works: for people, and for orchestrators. */
export function healthRoutes({ processor, clock, version }: HealthContext): Routes {
  const startedMs = clock.monotonicMs();
  const times = () => {
    const uptimeSeconds = Math.round(clock.monotonicMs() - startedMs) / 1000;
    return { timestamp: isoTime(clock), version, uptimeSeconds };
  };
  const config = { public: true };

  return async (app) => {
    app.get(
      '/health',
      {
        config,
        schema: {
          summary: 'The store, the bus and every part',
          tags: ['health'],
          response: { 200: HealthJson, 503: HealthJson },
        },
      },
      async (_request, reply) => {
        const { status, eventStore, eventBus, parts } = await processor.health();
        if (status === 'down') reply.code(503).header('retry-after', '1');
        return { status, ...times(), eventStore, eventBus, parts };
      },
    );

    app.get(
      '/health/live',
      {
        config,
        schema: { summary: 'The process runs', tags: ['health'], response: { 200: ProbeJson } },
      },
      async () => ({ status: 'up' as const, ...times() }),
    );

    app.get(
      '/health/ready',
      {
        config,
        schema: {
          summary: 'The process can take requests',
          tags: ['health'],
          response: { 200: ProbeJson, 503: ProbeJson },
        },
      },
      async (_request, reply) => {
        // Commands need the store alone: what waits for the bus waits in the log.
        const { status } = (await processor.health()).eventStore;
        if (status === 'down') reply.code(503).header('retry-after', '1');
        return { status, ...times() };
      },
    );
  };
}
