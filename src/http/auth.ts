import type { FastifyInstance, FastifyRequest } from 'fastify';
import { failure } from '../kernel/errors.ts';

/** Who asks. */
export interface Principal {
  /** Goes to the events' metadata as `userId`. */
  readonly id: string;
  /** May set a command's `occurredAt`. Default false. */
  readonly admin?: boolean;
}

/** Tells who asks; undefined for nobody in particular. Called for every route but the public ones.
 * @throws UNAUTHENTICATED, FORBIDDEN */
export type Authenticate = (request: FastifyRequest) => Promise<Principal | undefined> | Principal | undefined;

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal | undefined;
  }
  interface FastifyContextConfig {
    /** Answered without credentials. */
    public?: boolean;
  }
}

/** Knows the principal of each request, and refuses what a page of another site makes a browser send. */
export function authenticated(app: FastifyInstance, authenticate?: Authenticate): void {
  app.decorateRequest('principal', undefined);
  app.addHook('onRequest', async (request) => {
    // Without a body no preflight protects a state-changing request; browsers tell where it comes from.
    if (!SAFE_METHODS.has(request.method) && request.headers['sec-fetch-site'] === 'cross-site') {
      throw failure('FORBIDDEN', { expected: 'a request of this site or of no browser', found: 'one of another site' });
    }
    if (authenticate === undefined || request.routeOptions.config.public === true) return;
    request.principal = await authenticate(request);
  });
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
