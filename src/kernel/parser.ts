import { toJson } from './codec.ts';
import type { Schemas } from './definition.ts';
import { failure, type StatewrightError } from './errors.ts';
import type { Json } from './message.ts';
import { compileSchema } from './schema.ts';

/** Turns what came into data of one kind of message. */
export interface Parser {
  knows(type: string): boolean;
  /** A copy through JSON, which fits the schema.
   * @throws the code given, with each path, what was expected and what was found; what `unknown` gives for a type that
   * is not declared. */
  parse(type: string, data: unknown): Json;
}

/** The parser of an aggregate's commands, or of its events. */
export function createParser(
  owner: string,
  schemas: Schemas,
  code: 'INVALID_COMMAND' | 'INVALID_EVENT',
  unknown: (type: string) => StatewrightError,
): Parser {
  const validators = new Map(Object.entries(schemas).map(([type, schema]) => [type, compileSchema(schema)]));
  return {
    knows: (type) => validators.has(type),
    parse(type, data) {
      const validator = validators.get(type);
      if (validator === undefined) throw unknown(type);
      const json = jsonOf(data, code, `${owner}.${type}`);
      if (validator.fits(json)) return json;
      const misfits = validator.misfits(json);
      throw failure(code, {
        expected: misfits.map(({ path, expected }) => `${path}: ${expected}`).join(', '),
        found: misfits.map(({ path, found }) => `${path}: ${found}`).join(', '),
        details: { aggregate: owner, type, misfits },
      });
    },
  };
}

function jsonOf(data: unknown, code: 'INVALID_COMMAND' | 'INVALID_EVENT', what: string): Json {
  try {
    return toJson(data);
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw failure(code, { expected: `JSON as the data of ${what}`, found, cause });
  }
}
