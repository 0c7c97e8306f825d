import { asFailure } from '../kernel/errors.ts';
import type { EventBus } from '../ports/event-bus.ts';
import type { Store } from '../ports/store.ts';
import type { RuntimeContext } from './context.ts';

/** `degraded`: it works, but something waits or stands still. */
export type HealthStatus = 'up' | 'degraded' | 'down';

export interface PartHealth {
  readonly status: HealthStatus;
  readonly detail?: string;
}

export interface Health {
  /** The worst of its parts. */
  readonly status: HealthStatus;
  readonly eventStore: PartHealth & { readonly provider: string };
  readonly eventBus: PartHealth & { readonly provider: string };
  /** Each projection, subscription and breaker, the relay, and the quarantined aggregates together. */
  readonly parts: Readonly<Record<string, PartHealth>>;
}

/** Asks store and bus, and adds what the parts say of themselves. */
export async function checkHealth({ store, bus }: RuntimeContext, parts: Health['parts']): Promise<Health> {
  const [eventStore, eventBus] = await Promise.all([
    answers(() => storeWarnings(store)),
    answers(() => busWarnings(bus)),
  ]);
  const all = [eventStore, eventBus, ...Object.values(parts)].map(({ status }) => status);
  return {
    status: worst(all),
    eventStore: { provider: store.provider, ...eventStore },
    eventBus: { provider: bus.provider, ...eventBus },
    parts,
  };
}

async function storeWarnings(store: Store): Promise<readonly string[]> {
  await store.ping();
  return store.warnings();
}

async function busWarnings(bus: EventBus): Promise<readonly string[]> {
  await bus.ping();
  return [];
}

async function answers(ask: () => Promise<readonly string[]>): Promise<PartHealth> {
  try {
    const warnings = await ask();
    return warnings.length === 0 ? { status: 'up' } : { status: 'degraded', detail: warnings.join(' ') };
  } catch (error) {
    return { status: 'down', detail: asFailure(error, 'INTERNAL').message };
  }
}

function worst(all: readonly HealthStatus[]): HealthStatus {
  if (all.includes('down')) return 'down';
  return all.includes('degraded') ? 'degraded' : 'up';
}
