import type { Checkpoint, Fence, LeaseRecord } from '../../../ports/coordination.ts';
import { checkFence } from '../fence.ts';
import type { Registered, Registers } from './registers.ts';

/**
 * A lease with all that it fences. They are one register, so a takeover and what the holder before writes meet in the
 * same chain: whichever comes first, the other sees it.
 */
export interface LeaseState extends LeaseRecord {
  readonly checkpoints: readonly NamedCheckpoint[];
  readonly models: readonly ModelState[];
  /** The number of the state whose change of rows may not be in the rows yet. */
  readonly pending?: number;
}

export interface NamedCheckpoint {
  readonly name: string;
  readonly checkpoint: Checkpoint;
  /** Grows with each save of this name, under whatever lease. */
  readonly order: number;
}

/** A read model's generations. */
export interface ModelState {
  readonly name: string;
  /** The last number given. */
  readonly lastNumber: number;
  readonly live: GenerationState;
  readonly building?: GenerationState;
}

export interface GenerationState {
  readonly number: number;
  readonly hash: string;
  readonly checkpoint: Checkpoint;
  readonly totals: readonly (readonly [name: string, sum: number])[];
}

/** What a call makes of a lease: the next state, with what goes with it, or nothing. */
export interface Change<Result> {
  readonly result: Result;
  readonly state?: LeaseState;
  readonly change?: string;
}

export interface LeaseStates {
  read(lease: string): Promise<Registered<LeaseState>>;
  /**
   * Decides on the last state and writes the next; decides again when another came first. What is decided on an older
   * state changes nothing, so it is only believed when something was written.
   */
  change<Result>(
    lease: string,
    decide: (now: Registered<LeaseState>) => Change<Result> | Promise<Change<Result>>,
  ): Promise<Result>;
  /** The change that went with a state, while it is pending. */
  changeAt(lease: string, number: number): Promise<string | undefined>;
}

const nobody: LeaseState = { token: 0, beat: 0, checkpoints: [], models: [] };

export const leaseKey = (lease: string): string => JSON.stringify(lease);

export function createLeaseStates(registers: Registers<LeaseState>): LeaseStates {
  const turns = new Map<string, Promise<unknown>>();

  const read = async (lease: string): Promise<Registered<LeaseState>> =>
    (await registers.last(leaseKey(lease))) ?? { number: 0, state: nobody };

  /** Calls of one process would only run into each other. */
  const inTurn = <Result>(lease: string, work: () => Promise<Result>): Promise<Result> => {
    const before = turns.get(lease) ?? Promise.resolve();
    const turn = before.then(work, work);
    const settled = turn
      .catch(() => {})
      .then(() => {
        if (turns.get(lease) === settled) turns.delete(lease);
      });
    turns.set(lease, settled);
    return turn;
  };

  return {
    read,

    change: (lease, decide) =>
      inTurn(lease, async () => {
        for (;;) {
          const now = await read(lease);
          const { result, state, change } = await decide(now);
          if (state === undefined) return result;
          if (await registers.write(leaseKey(lease), now.number + 1, state, change)) return result;
        }
      }),

    async changeAt(lease, number) {
      return (await registers.get(leaseKey(lease), number))?.change;
    },
  };
}

/** @throws FENCED */
export function assertFence(fence: Fence, { state }: Registered<LeaseState>): void {
  checkFence(fence, state.token);
}
