import type { FastifyRequest } from 'fastify';
import { v5, v7 } from 'uuid';
import { failure } from '../kernel/errors.ts';
import type { CommandId } from '../kernel/message.ts';

/** The ids that a command goes under. */
export interface CommandIds {
  /** Absent when the caller gave neither key nor id: the outcome is then not kept for a second try. */
  readonly commandId?: CommandId;
  readonly aggregateId: string;
}

/**
 * The ids of the command at `index` of a request. What the caller left open derives from the caller's `commandId` or
 * the `Idempotency-Key`, by UUIDv5 of principal, route, key and index: so the same request sent twice, to whichever
 * worker, meets the same aggregate and the first outcome. Without either, ids are fresh.
 * @throws MALFORMED_REQUEST for a key that isn't 1…255 printable characters.
 */
export function commandIds(
  request: FastifyRequest,
  given: { readonly commandId?: string; readonly aggregateId?: string },
  index: number,
): CommandIds {
  const key = given.commandId ?? idempotencyKey(request);
  if (key === undefined) return { aggregateId: given.aggregateId ?? v7() };
  const route = `${request.method} ${request.routeOptions.url}`;
  const derived = (what: string) =>
    v5(JSON.stringify([what, request.principal?.id ?? null, route, key, index]), NAMESPACE);
  return {
    commandId: (given.commandId ?? derived('command')) as CommandId,
    aggregateId: given.aggregateId ?? derived('aggregate'),
  };
}

/** Of this use of UUIDv5 alone; never changes. */
const NAMESPACE = '5f0c5c1e-7a39-4d0f-9a6a-3f1f3f6a4b52';

function idempotencyKey(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && /^[\x20-\x7e]{1,255}$/.test(key)) return key;
  throw failure('MALFORMED_REQUEST', {
    expected: 'an Idempotency-Key of 1 to 255 printable ASCII characters',
    found: JSON.stringify(key).slice(0, 60),
  });
}
