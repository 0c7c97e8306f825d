import type { FastifyInstance, RouteOptions } from 'fastify';
import { failure } from '../kernel/errors.ts';

/**
 * Watches the routes that are added from now on. The returned function adds, to each of their paths, an answer to every
 * other method: 405 with `Allow`, or what is allowed for OPTIONS.
 */
export function watchMethods(app: FastifyInstance): () => void {
  const methodsOf = new Map<string, Set<string>>();
  let watching = true;
  app.addHook('onRoute', ({ url, method }: RouteOptions) => {
    if (!watching) return;
    const methods = methodsOf.get(url) ?? new Set<string>();
    for (const each of [method].flat()) methods.add(each);
    methodsOf.set(url, methods);
  });
  return () => {
    watching = false;
    for (const [url, methods] of methodsOf) {
      const allow = [...methods, 'OPTIONS'].sort().join(', ');
      app.route({
        method: app.supportedMethods.filter((method) => !methods.has(method)),
        url,
        exposeHeadRoute: false,
        schema: { hide: true },
        // Before the body is read: its type and size don't matter any more.
        async onRequest(request, reply) {
          reply.header('allow', allow);
          if (request.method === 'OPTIONS') return reply.code(204).send();
          throw failure('METHOD_NOT_ALLOWED', { expected: allow, found: request.method });
        },
        handler: async () => undefined,
      });
    }
  };
}
