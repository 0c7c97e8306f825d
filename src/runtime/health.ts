import { type Clock, sleep } from '../kernel/clock.ts';
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

/** What the parts of a worker say of themselves. */
export type AskParts = () => Promise<Health['parts']>;

/** Who takes longer is down, or left out: the others still tell how they are. */
const patienceMs = 2_000;

/** Asks store, bus and parts, side by side. Answers within 2 s, whoever doesn't. */
export async function checkHealth({ store, bus, clock }: RuntimeContext, askParts: AskParts): Promise<Health> {
  const late: PartHealth = { status: 'down', detail: `no answer within ${patienceMs} ms` };
  const [eventStore, eventBus, parts] = await Promise.all([
    inTime(
      clock,
      answers(() => storeWarnings(store)),
      late,
    ),
    inTime(
      clock,
      answers(() => busWarnings(bus)),
      late,
    ),
    inTime(clock, askParts(), {}),
  ]);
  const all = [eventStore, eventBus, ...Object.values(parts)].map(({ status }) => status);
  return {
    status: worst(all),
    eventStore: { provider: store.provider, ...eventStore },
    eventBus: { provider: bus.provider, ...eventBus },
    parts,
  };
}

async function inTime<Answer>(clock: Clock, answer: Promise<Answer>, otherwise: Answer): Promise<Answer> {
  const answered = new AbortController();
  const late = sleep(clock, patienceMs, answered.signal).then(() => otherwise);
  try {
    return await Promise.race([answer, late]);
  } finally {
    answered.abort();
  }
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
