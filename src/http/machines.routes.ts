import { Type } from 'typebox';
import { mermaid } from '../diagrams/mermaid.ts';
import { failure } from '../kernel/errors.ts';
import { structure } from '../kernel/statechart.ts';
import type { Processor } from '../runtime/processor.ts';
import type { Routes } from './routes.ts';

const Kind = Type.Union([Type.Literal('domain'), Type.Literal('runtime')]);
const Schemas = Type.Record(Type.String(), Type.Unknown());
const MachineJson = Type.Object({
  name: Type.String(),
  kind: Kind,
  /** The machine's config, its functions as names. */
  machine: Type.Unknown(),
  /** JSON Schemas by type, of a domain machine. */
  commands: Type.Optional(Schemas),
  events: Type.Optional(Schemas),
});

/** Every machine, domain and runtime: as JSON or as a Mermaid diagram, by `Accept` or by extension. */
export function machinesRoutes(processor: Processor): Routes {
  return async (app) => {
    app.get(
      '/machines',
      {
        schema: {
          summary: 'Every machine by name',
          tags: ['machines'],
          response: { 200: Type.Object({ data: Type.Array(Type.Object({ name: Type.String(), kind: Kind })) }) },
        },
      },
      async () => ({ data: processor.machines().map(({ name, kind }) => ({ name, kind })) }),
    );

    app.get(
      '/machines/:name',
      {
        schema: {
          summary: 'One machine: .json, or .mmd for Mermaid',
          tags: ['machines'],
          params: Type.Object({ name: Type.String() }),
          response: {
            200: {
              content: {
                'application/json': { schema: Type.Object({ data: MachineJson }) },
                'text/vnd.mermaid': { schema: Type.String() },
              },
            },
          },
        },
      },
      async (request, reply) => {
        const { name, format } = asked(request.params.name, request.headers.accept);
        const info = processor.machines().find((each) => each.name === name);
        if (info === undefined) {
          const known = processor.machines().map((each) => each.name);
          throw failure('NOT_FOUND', { expected: `one of ${known.join(', ')}`, found: JSON.stringify(name) });
        }
        reply.header('vary', 'accept');
        if (format === 'mmd') return reply.type('text/vnd.mermaid; charset=utf-8').send(mermaid(info.machine));
        if (format !== 'json') {
          throw failure('NOT_ACCEPTABLE', { expected: [...FORMATS.keys()].join(', '), found: format });
        }
        const schemas = processor.aggregates.get(info.kind === 'domain' ? name : '')?.definition.schemas;
        return reply.send({ data: { name, kind: info.kind, machine: structure(info.machine), ...schemas } });
      },
    );
  };
}

/** By media type, the best first. */
const FORMATS = new Map([
  ['application/json', 'json'],
  ['text/vnd.mermaid', 'mmd'],
  ['text/plain', 'mmd'],
]);

/** The extension says it, else the `Accept` header; what can't be given is returned as it was asked for. */
function asked(path: string, accept: string | undefined): { readonly name: string; readonly format: string } {
  const extension = /\.(json|mmd|svg)$/.exec(path)?.[1];
  if (extension !== undefined) return { name: path.slice(0, -extension.length - 1), format: extension };
  if (accept === undefined) return { name: path, format: 'json' };
  const ranges = accept
    .split(',')
    .map((range) => range.split(';').map((part) => part.trim().toLowerCase()))
    .map(([type = '', ...parameters]) => ({
      type,
      q: Number(parameters.find((each) => each.startsWith('q='))?.slice(2) ?? 1),
    }))
    .filter(({ q }) => q > 0)
    .sort((a, b) => b.q - a.q);
  for (const { type } of ranges) {
    const fits = [...FORMATS].find(
      ([known]) => type === '*/*' || type === known || type === `${known.split('/')[0]}/*`,
    );
    if (fits !== undefined) return { name: path, format: fits[1] };
  }
  return { name: path, format: accept };
}
