import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Clock } from '../kernel/clock.ts';
import type { Processor } from '../runtime/processor.ts';

/** The routes of one resource, typed by their schemas: a Fastify plugin. */
export type Routes = FastifyPluginAsyncTypebox;

/** What the generic routes answer from. */
export interface RouteContext {
  readonly processor: Processor;
  readonly clock: Clock;
  /** How long a read waits for `waitFor`. */
  readonly waitForMs: number;
}
