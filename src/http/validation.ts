import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { failure } from '../kernel/errors.ts';
import { compileSchema } from '../kernel/schema.ts';

/** Checks a part of the request as the kernel checks commands: closed objects, and reasons with a path. Numbers and
 * booleans of a query are read from their text; no body counts as an empty object. */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = compileSchema(schema);
  const part = httpPart === 'querystring' ? 'query' : (httpPart ?? 'body');
  return (given: unknown) => {
    const value = part === 'body' ? (given ?? {}) : readText(schema, given);
    if (validator.fits(value)) return { value };
    const misfits = validator.misfits(value).map((misfit) => ({ ...misfit, path: misfit.path.replace(/^data/, part) }));
    return {
      error: failure('MALFORMED_REQUEST', {
        expected: misfits.map(({ path, expected }) => `${path} to be ${expected}`).join(', '),
        found: misfits.map(({ found }) => found).join(', '),
        details: { misfits },
      }),
    };
  };
};

/** What came as text, as the schema's numbers and booleans; what isn't one stays text, for the check to refuse. */
function readText(schema: TSchema, given: unknown): Record<string, unknown> {
  const value: Record<string, unknown> = { ...(given as Record<string, unknown>) };
  const properties = (schema as { readonly properties?: Record<string, { readonly type?: string }> }).properties ?? {};
  for (const [key, { type }] of Object.entries(properties)) {
    const text = value[key];
    if (typeof text !== 'string') continue;
    if (type === 'integer' && /^-?\d{1,16}$/.test(text)) value[key] = Number(text);
    if (type === 'boolean' && /^(true|false)$/.test(text)) value[key] = text === 'true';
  }
  return value;
}
