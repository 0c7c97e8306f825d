import type { FastifyInstance } from 'fastify';
import { failure } from '../kernel/errors.ts';

/** Takes JSON bodies and no others: strict UTF-8, and no key that reaches a prototype. */
export function acceptJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(/^application\/([\w.-]+\+)?json\s*(;|$)/i, { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      done(null, parseJson(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
}

/** @returns undefined for an empty text. @throws MALFORMED_REQUEST */
function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  const text = decode(bytes);
  const value = parse(text);
  const forbidden = SUSPICIOUS.test(text) ? forbiddenKey(value) : undefined;
  if (forbidden === undefined) return value;
  throw failure('MALFORMED_REQUEST', { expected: 'no key that reaches a prototype', found: JSON.stringify(forbidden) });
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw failure('MALFORMED_REQUEST', { expected: 'JSON in UTF-8', found: 'bytes that are not UTF-8', cause });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw failure('MALFORMED_REQUEST', { expected: 'JSON', found: (cause as Error).message, cause });
  }
}

/** Only a text that has one of these, or an escape that could spell one, is searched. */
const SUSPICIOUS = /__proto__|constructor|\\u/;

function forbiddenKey(root: unknown): string | undefined {
  const open: unknown[] = [root];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, '__proto__')) return '__proto__';
    if (Object.hasOwn(value, 'constructor')) {
      const inner: unknown = (value as Record<string, unknown>).constructor;
      if (typeof inner === 'object' && inner !== null && Object.hasOwn(inner, 'prototype'))
        return 'constructor.prototype';
    }
    for (const inner of Object.values(value)) open.push(inner);
  }
  return undefined;
}
