import { createHash } from 'node:crypto';
import type { Upcaster } from './definition.ts';
import { failure } from './errors.ts';
import type { DomainEvent, Json } from './message.ts';

/** A deep copy through JSON: what a store would give back. Absent and `undefined` fields are the same.
 * @throws Error that names the path of what JSON can't hold: a function, a Date, NaN, a class, a cycle. */
export function toJson(value: unknown, path = 'data', depth = 0): Json {
  switch (typeof value) {
    case 'boolean':
      return value;
    case 'string':
      if (value.isWellFormed()) return value;
      throw new Error(`${path} has half a character (a lone surrogate), which UTF-8 can't hold`);
    case 'number':
      if (Number.isFinite(value)) return value === 0 ? 0 : value;
      break;
    case 'object':
      if (value === null) return null;
      if (depth > MAX_DEPTH) throw new Error(`${path} is nested deeper than ${MAX_DEPTH} levels`);
      if (Array.isArray(value)) return Array.from(value, (item, index) => toJson(item, `${path}[${index}]`, depth + 1));
      if (isPlain(value)) return copyOf(value, path, depth);
  }
  throw new Error(`${path} is ${described(value)}, which JSON can't hold`);
}

/** The same text for the same JSON, whatever the order of its keys. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`).join(',')}}`;
}

/** The SHA-256 of a value's canonical JSON, in hexadecimal. */
export function fingerprint(value: Json): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

/** A short number for people, derived from `text`: 5 bits a character (Crockford's base 32), so 10 are 50 bits. */
export function shortCode(text: string, characters = 10): string {
  const digest = createHash('sha256').update(text).digest();
  return Array.from(digest.subarray(0, characters), (byte) => CROCKFORD[byte % 32]).join('');
}

/** The event lifted to today's schema; the same object when it is there already.
 * @throws NEWER_EVENT when it was written under a schema that this code doesn't know; EVENT_NOT_FOLDABLE when an
 * upcaster throws. */
export function upcast<Event extends DomainEvent>(event: Event, upcasters: readonly Upcaster[]): Event {
  const today = upcasters.length + 1;
  const { schema } = event.meta;
  if (schema === today) return event;
  if (schema > today) {
    throw failure('NEWER_EVENT', { expected: `${event.type} of schema ${today} at most`, found: `schema ${schema}` });
  }
  try {
    const data = upcasters.slice(schema - 1).reduce((lifted, lift) => lift(lifted), event.data as Json);
    return { ...event, data, meta: { ...event.meta, schema: today } };
  } catch (cause) {
    throw failure('EVENT_NOT_FOLDABLE', {
      expected: `${event.type} of schema ${schema} to be lifted to ${today}`,
      cause,
    });
  }
}

const MAX_DEPTH = 100;
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function copyOf(value: object, path: string, depth: number): Json {
  const copy: Record<string, Json> = {};
  for (const key of Object.keys(value)) {
    const inner = (value as Record<string, unknown>)[key];
    if (inner === undefined) continue;
    const copied = toJson(inner, `${path}.${key}`, depth + 1);
    if (key === '__proto__')
      Object.defineProperty(copy, key, { value: copied, enumerable: true, writable: true, configurable: true });
    else copy[key] = copied;
  }
  return copy;
}

function described(value: unknown): string {
  if (typeof value === 'object') return `a ${value?.constructor?.name ?? 'strange object'}`;
  return typeof value === 'number' || typeof value === 'undefined' ? String(value) : `a ${typeof value}`;
}
