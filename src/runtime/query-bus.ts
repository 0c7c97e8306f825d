import { failure } from '../kernel/errors.ts';

/** A question: reads, changes nothing. */
export interface Query {
  /** Such as `users.get`, `users.page`, `users.search`, `users.totals`. */
  readonly type: string;
  readonly input: unknown;
  /** The answer must have seen this position. */
  readonly waitFor?: number;
}

export type QueryHandler = (query: Query) => Promise<unknown>;

/** Routes queries to their handlers; every read model's queries are registered by themselves. */
export interface QueryBus {
  /** @throws INVALID_DEFINITION when the type has a handler already. */
  register(type: string, handler: QueryHandler): void;
  /** @throws UNKNOWN_QUERY */
  execute(query: Query): Promise<unknown>;
  readonly types: readonly string[];
}

export function createQueryBus(): QueryBus {
  const handlers = new Map<string, QueryHandler>();
  return {
    register(type, handler) {
      if (handlers.has(type))
        throw failure('INVALID_DEFINITION', { expected: 'one handler per query', found: `two for ${type}` });
      handlers.set(type, handler);
    },
    execute(query) {
      const handler = handlers.get(query.type);
      if (handler !== undefined) return handler(query);
      return Promise.reject(
        failure('UNKNOWN_QUERY', { expected: `one of ${[...handlers.keys()].join(', ')}`, found: query.type }),
      );
    },
    get types() {
      return [...handlers.keys()];
    },
  };
}
