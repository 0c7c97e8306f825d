import { Type } from 'typebox';
import { type Clock, isoTime, sleep } from '../kernel/clock.ts';
import type { Health } from '../runtime/health.ts';
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
        const { status, eventStore, eventBus, parts } = await withinReason(processor.health(), clock);
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
        const { status } = (await withinReason(processor.health(), clock)).eventStore;
        if (status === 'down') reply.code(503).header('retry-after', '1');
        return { status, ...times() };
      },
    );
  };
}

const ANSWER_MS = 3_000;

/** A part that doesn't answer is down, and must not make the probe hang. */
async function withinReason(health: Promise<Health>, clock: Clock): Promise<Health> {
  const answered = new AbortController();
  const late = sleep(clock, ANSWER_MS, answered.signal).then(() => undefined);
  try {
    return (await Promise.race([health, late])) ?? silent;
  } finally {
    answered.abort();
  }
}

const noAnswer = { status: 'down', detail: `no answer within ${ANSWER_MS} ms`, provider: 'unknown' } as const;
const silent: Health = { status: 'down', eventStore: noAnswer, eventBus: noAnswer, parts: {} };
