import type { Arbitrary } from 'fast-check';
import { failure } from '../kernel/errors.ts';
import type { Json } from '../kernel/message.ts';
import { compileSchema } from '../kernel/schema.ts';

/** fast-check, given by the caller: it is no dependency of ours. */
export type FastCheck = Omit<typeof import('fast-check'), 'default'>;

type Schema = Readonly<Record<string, unknown>>;

/** Values that fit a TypeBox schema.
 * @throws INVALID_DEFINITION for a schema that it can't read (`not`, `if`, `$ref`): give a generator of your own. */
export function schemaArbitrary(fc: FastCheck, schema: object): Arbitrary<Json> {
  const { fits } = compileSchema(schema);
  return arbitrary(fc, schema as Schema).filter(fits);
}

function arbitrary(fc: FastCheck, schema: Schema): Arbitrary<Json> {
  for (const keyword of ['not', 'if', '$ref', '$dynamicRef']) {
    if (keyword in schema) {
      throw failure('INVALID_DEFINITION', {
        found: `the keyword ${keyword}`,
        remedy: 'Give the kit a generator for this command.',
      });
    }
  }
  if ('const' in schema) return fc.constant(schema.const as Json);
  if (isList(schema.enum)) return fc.constantFrom(...(schema.enum as unknown as Json[]));
  const branches = schema.anyOf ?? schema.oneOf;
  if (isList(branches)) return fc.oneof(...branches.map((branch) => arbitrary(fc, branch)));
  if (isList(schema.allOf)) {
    return fc
      .tuple(...schema.allOf.map((part) => arbitrary(fc, part)))
      .map((parts) => Object.assign({}, ...parts) as Json);
  }
  switch (schema.type) {
    case 'string':
      return text(fc, schema);
    case 'integer':
      return whole(fc, schema);
    case 'number':
      return real(fc, schema);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return list(fc, schema);
    case 'object':
      return record(fc, schema);
    default:
      return fc.jsonValue({ maxDepth: 2 }).map((value) => value as Json);
  }
}

function text(fc: FastCheck, { pattern, format, minLength, maxLength }: Schema): Arbitrary<string> {
  if (typeof pattern === 'string') return fc.stringMatching(new RegExp(pattern));
  switch (format) {
    case 'date-time':
      return fc
        .date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true })
        .map((date) => date.toISOString());
    case 'date':
      return fc
        .date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true })
        .map((date) => date.toISOString().slice(0, 10));
    case 'email':
      return fc.emailAddress();
    case 'uri':
    case 'url':
      return fc.webUrl();
    case 'uuid':
      return fc.uuid();
  }
  return fc.string({
    minLength: number(minLength, 0),
    ...(maxLength === undefined ? {} : { maxLength: number(maxLength, 0) }),
    unit: 'grapheme',
  });
}

function whole(fc: FastCheck, schema: Schema): Arbitrary<number> {
  const min = number(schema.minimum, number(schema.exclusiveMinimum, Number.MIN_SAFE_INTEGER - 1) + 1);
  const max = number(schema.maximum, number(schema.exclusiveMaximum, Number.MAX_SAFE_INTEGER + 1) - 1);
  const step = number(schema.multipleOf, 1);
  const [from, to] = [Math.ceil(min / step), Math.floor(max / step)];
  // Numbers as people use them, and now and then the whole range, edges first.
  const usual = fc.integer({ min: Math.max(from, Math.min(-100, to)), max: Math.min(to, Math.max(100, from)) });
  return fc.oneof({ weight: 4, arbitrary: usual }, fc.integer({ min: from, max: to })).map((n) => n * step);
}

function real(fc: FastCheck, schema: Schema): Arbitrary<number> {
  const step = schema.multipleOf;
  if (typeof step === 'number') return whole(fc, schema);
  const min = number(schema.minimum, number(schema.exclusiveMinimum, -Number.MAX_VALUE));
  const max = number(schema.maximum, number(schema.exclusiveMaximum, Number.MAX_VALUE));
  return fc.double({ min, max, noNaN: true, noDefaultInfinity: true }).map((n) => n + 0);
}

function list(fc: FastCheck, schema: Schema): Arbitrary<Json> {
  const { items, prefixItems, minItems, maxItems, uniqueItems } = schema;
  const tuple = isList(prefixItems) ? prefixItems : isList(items) ? items : undefined;
  if (tuple !== undefined) return fc.tuple(...tuple.map((item) => arbitrary(fc, item)));
  const minLength = number(minItems, 0);
  const bounds = { minLength, maxLength: Math.min(number(maxItems, Number.POSITIVE_INFINITY), Math.max(8, minLength)) };
  const item = arbitrary(fc, (items ?? {}) as Schema);
  if (uniqueItems !== true) return fc.array(item, bounds);
  return fc.uniqueArray(item, { ...bounds, selector: (value) => JSON.stringify(value) });
}

function record(fc: FastCheck, schema: Schema): Arbitrary<Json> {
  const properties = Object.entries((schema.properties ?? {}) as Readonly<Record<string, Schema>>);
  const required = isList(schema.required) ? (schema.required as unknown as readonly string[]) : [];
  const declared = fc.record(Object.fromEntries(properties.map(([key, inner]) => [key, arbitrary(fc, inner)])), {
    requiredKeys: properties.map(([key]) => key).filter((key) => required.includes(key)),
  });
  const [pattern] = Object.entries((schema.patternProperties ?? {}) as Readonly<Record<string, Schema>>);
  if (pattern === undefined) return declared;
  const [keys, inner] = pattern;
  const free = fc.dictionary(fc.stringMatching(new RegExp(keys)), arbitrary(fc, inner), { maxKeys: 4 });
  return fc.tuple(free, declared).map(([others, known]) => ({ ...others, ...known }));
}

const number = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);

const isList = (value: unknown): value is readonly Schema[] => Array.isArray(value);
