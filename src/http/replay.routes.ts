import { Type } from 'typebox';
import type { Processor } from '../runtime/processor.ts';
import type { ReplayFrom } from '../runtime/replay.ts';
import { streamIn } from './ids.ts';
import { instant } from './instant.ts';
import type { Routes } from './routes.ts';

const ReplayJson = Type.Object({
  id: Type.String(),
  subscription: Type.String(),
  state: Type.Union([Type.Literal('running'), Type.Literal('done'), Type.Literal('failed')]),
  handled: Type.Integer(),
  position: Type.Integer(),
  until: Type.Integer(),
  error: Type.Optional(Type.String()),
});

const From = Type.Union([
  Type.Object({ position: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) }),
  Type.Object({ time: Type.String() }),
  Type.Object({
    stream: Type.Object({ type: Type.String(), id: Type.String() }),
    version: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  }),
]);

/** Re-delivery of recorded events into one grouped subscription. */
export function replayRoutes(processor: Processor): Routes {
  return async (app) => {
    app.post(
      '/replay',
      {
        schema: {
          summary: 'Handle recorded events again; from is inclusive',
          tags: ['replay'],
          body: Type.Object({ subscription: Type.String(), from: From }),
          response: { 202: Type.Object({ data: ReplayJson }) },
        },
      },
      async (request, reply) => {
        const { subscription, from } = request.body;
        const data = await processor.replays.start({ subscription, from: place(from) });
        return reply.code(202).send({ data });
      },
    );

    app.get(
      '/replay',
      {
        schema: {
          summary: 'The replays that this worker started',
          tags: ['replay'],
          response: { 200: Type.Object({ data: Type.Array(ReplayJson) }) },
        },
      },
      async () => ({ data: [...processor.replays.list()] }),
    );

    function place(from: ReplayFrom): ReplayFrom {
      if ('time' in from) return { time: instant('from.time', from.time) };
      return 'stream' in from ? { ...from, stream: streamIn(from.stream, processor) } : from;
    }
  };
}
