import type { Checkpoint, Fence } from '../ports/coordination.ts';
import { type BreakerState, createBreaker } from './breaker.ts';
import { createCarrier } from './carrier.ts';
import type { RuntimeContext } from './context.ts';
import type { CountBook } from './counts.ts';
import { readAt } from './log-batches.ts';
import { createOrderedReader } from './ordered-reader.ts';

/** Carries the log to the bus: one holder per store, in position order, at least once. */
export interface Relay {
  start(): void;
  /** Stops publishing, saves the checkpoint, gives the lease up. Twice is fine. */
  stop(): Promise<void>;
  status(): RelayStatus;
  /** Whether this worker holds it. */
  held(): boolean;
  /**
   * Calls `listener` when this worker takes the relay, before anything is published, and waits for it; and when it loses
   * it. At once when it is held already. Returns the way to end it.
   */
  onHeld(listener: HeldListener): () => void;
}

/** `from`: the position that was published already when this worker took the relay. */
export type HeldListener = (held: { readonly from: number } | undefined) => Promise<void>;

export interface RelayStatus {
  readonly held: boolean;
  /** Published and confirmed up to here, as far as this worker knows. */
  readonly position: number;
  /** The state of its machine. */
  readonly state: string;
  /** Of the publishing: open while the bus does not answer. */
  readonly breaker: BreakerState;
  readonly error?: string;
}

export const relayCheckpoint = 'relay';

/**
 * What holds, whoever dies after whichever line: the checkpoint is saved after the bus confirmed, so an event may be
 * published twice, never not at all.
 */
export function createRelay(context: RuntimeContext, counts: CountBook): Relay {
  const { clock, logger, store } = context;
  const breaker = createBreaker({ name: 'bus', clock, halfOpenAfterMs: 5_000 });
  const carrier = createCarrier(context, counts, breaker);
  const listeners = new Set<HeldListener>();
  let position = 0;
  let heldFrom: { readonly from: number } | undefined;

  const reader = createOrderedReader(context, {
    name: relayCheckpoint,
    async onTaken() {
      position = (await start()).position;
      heldFrom = { from: position };
      await tell();
    },
    async onLost() {
      heldFrom = undefined;
      await tell();
    },
    async read(fence, signal, advanced) {
      let saving = Promise.resolve();
      try {
        await carrier.carry(position, signal, async (last) => {
          position = last.position;
          advanced();
          await saving;
          saving = save({ position, eventId: last.id }, fence);
          // Seen again at `await saving`; here only so that it is nobody's unhandled rejection meanwhile.
          saving.catch(() => {});
        });
      } finally {
        await saving;
      }
    },
  });

  /** Where to go on; the beginning when the log is not the one that the checkpoint was saved in. */
  async function start(): Promise<Checkpoint> {
    const saved = await store.checkpoints.load(relayCheckpoint);
    if (saved === undefined || saved.position === 0) return { position: 0 };
    const event = await readAt(store.events, saved.position);
    if (event !== undefined && event.id === saved.eventId) return saved;
    logger.error({ position: saved.position }, 'The log lost its tail: publishing it from its beginning.');
    return { position: 0 };
  }

  const save = (checkpoint: Checkpoint, fence: Fence) => store.checkpoints.save(relayCheckpoint, checkpoint, fence);

  async function tell(): Promise<void> {
    await Promise.all([...listeners].map((listener) => listener(heldFrom)));
  }

  return {
    start: reader.start,
    async stop() {
      await reader.stop();
      breaker.stop();
    },
    status() {
      const error = reader.error();
      return {
        held: heldFrom !== undefined,
        position,
        state: reader.state(),
        breaker: breaker.state(),
        ...(error === undefined ? {} : { error }),
      };
    },
    held: () => heldFrom !== undefined,
    onHeld(listener) {
      listeners.add(listener);
      if (heldFrom !== undefined) {
        // To who comes late, everything published so far is lost.
        listener({ from: position }).catch((error: unknown) =>
          logger.error({ error }, 'A listener of the relay failed.'),
        );
      }
      return () => listeners.delete(listener);
    },
  };
}
