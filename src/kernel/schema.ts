import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { TLocalizedValidationError } from 'typebox/error';

/** One thing that doesn't fit. */
export interface Misfit {
  /** Such as `data.items[0].quantity`. */
  readonly path: string;
  readonly expected: string;
  readonly found: string;
}

export interface Validator {
  fits(value: unknown): boolean;
  /** Why a value doesn't fit, at most five reasons; none when it does. */
  misfits(value: unknown): readonly Misfit[];
}

/** Compiles a schema, closed. */
export function compileSchema(schema: TSchema): Validator {
  const validator = Compile(closed(schema));
  return {
    fits: (value) => validator.Check(value),
    misfits(value) {
      const errors = validator.Errors(value);
      return errors
        .filter((error) => isReason(error, errors))
        .slice(0, 5)
        .map((error) => explain(error, value, errors));
    },
  };
}

/** The schema, with objects that say nothing of further fields refusing them. */
export function closed<Schema extends TSchema>(schema: Schema): Schema {
  return closeNode(schema, true) as Schema;
}

function closeNode(node: unknown, mayClose: boolean): unknown {
  if (Array.isArray(node)) return node.map((inner) => closeNode(inner, mayClose));
  if (typeof node !== 'object' || node === null) return node;
  // TypeBox keeps what makes it a type in hidden properties: copy descriptors, not values.
  const copy = Object.create(Object.getPrototypeOf(node), Object.getOwnPropertyDescriptors(node));
  for (const [key, value] of Object.entries(node)) {
    if (DATA_KEYWORDS.has(key)) continue;
    copy[key] = key === 'properties' ? mapValues(value as object) : closeNode(value, key !== 'allOf');
  }
  if (!mayClose) return copy;
  if ('allOf' in copy) copy.unevaluatedProperties ??= false;
  else if (copy.type === 'object' && copy.properties !== undefined) copy.additionalProperties ??= false;
  return copy;
}

const mapValues = (properties: object) =>
  Object.fromEntries(Object.entries(properties).map(([key, inner]) => [key, closeNode(inner, true)]));

/** Keywords that hold data, not schemas. */
const DATA_KEYWORDS = new Set(['const', 'enum', 'default', 'examples', 'required']);

/** A union's branches are reasons of the union, and a closed object's field is one of the object: told once. */
function isReason(error: TLocalizedValidationError, all: readonly TLocalizedValidationError[]): boolean {
  if (error.keyword === 'boolean') return false;
  return !all.some((other) => other !== error && error.schemaPath.startsWith(`${other.schemaPath}/${other.keyword}/`));
}

function explain(error: TLocalizedValidationError, value: unknown, all: readonly TLocalizedValidationError[]): Misfit {
  const keys = error.instancePath.split('/').slice(1).map(unescaped);
  const at = keys.reduce((text, key) => text + (/^\d+$/.test(key) ? `[${key}]` : `.${key}`), 'data');
  const found = keys.reduce<unknown>((inner, key) => (inner as Record<string, unknown> | null)?.[key], value);
  switch (error.keyword) {
    case 'required':
      return { path: `${at}.${error.params.requiredProperties[0]}`, expected: 'a value', found: 'nothing' };
    case 'additionalProperties': {
      const key = error.params.additionalProperties[0] ?? '';
      return { path: `${at}.${key}`, expected: 'no such field', found: shown((found as Record<string, unknown>)[key]) };
    }
    case 'unevaluatedProperties': {
      const key = String(error.params.unevaluatedProperties[0] ?? '');
      return { path: `${at}.${key}`, expected: 'no such field', found: shown((found as Record<string, unknown>)[key]) };
    }
    case 'anyOf':
    case 'oneOf':
      return { path: at, expected: allowedBy(error, all), found: shown(found) };
    case 'type':
      return { path: at, expected: `a value of type ${error.params.type}`, found: shown(found) };
    case 'const':
      return { path: at, expected: JSON.stringify(error.params.allowedValue), found: shown(found) };
    case 'enum':
      return { path: at, expected: `one of ${JSON.stringify(error.params.allowedValues)}`, found: shown(found) };
    case 'format':
      return { path: at, expected: `a valid ${error.params.format}`, found: shown(found) };
    case 'pattern':
      return { path: at, expected: `text that matches ${error.params.pattern}`, found: shown(found) };
    case 'minLength':
      return { path: at, expected: `at least ${error.params.limit} characters`, found: shown(found) };
    case 'maxLength':
      return { path: at, expected: `at most ${error.params.limit} characters`, found: shown(found) };
    case 'minItems':
      return { path: at, expected: `at least ${error.params.limit} items`, found: shown(found) };
    case 'maxItems':
      return {
        path: at,
        expected: `at most ${error.params.limit} items`,
        found: `${(found as unknown[]).length} items`,
      };
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return { path: at, expected: `a number ${error.params.comparison} ${error.params.limit}`, found: shown(found) };
    default:
      return { path: at, expected: `a value that ${error.message}`, found: shown(found) };
  }
}

/** What a union's branches would take, told by what each of them found wrong. */
function allowedBy(union: TLocalizedValidationError, all: readonly TLocalizedValidationError[]): string {
  const within = `${union.schemaPath}/${union.keyword}/`;
  const branches = all
    .filter(({ schemaPath, instancePath }) => schemaPath.startsWith(within) && instancePath === union.instancePath)
    .flatMap((error) => {
      if (error.keyword === 'const') return [JSON.stringify(error.params.allowedValue)];
      return error.keyword === 'type' ? [`a value of type ${error.params.type}`] : [];
    });
  return branches.length > 0 ? `one of ${[...new Set(branches)].join(', ')}` : 'one of the forms that are allowed';
}

const unescaped = (key: string) => key.replaceAll('~1', '/').replaceAll('~0', '~');

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
