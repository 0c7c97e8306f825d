import { randomUUID } from 'node:crypto';
import type { Documents } from './documents.ts';

/**
 * One state of a register. Its `_id` is the register's key and its number; it is written once, by whoever knows the state
 * before it and comes first. So of all who change a register on the same knowledge one does, paused ones included.
 */
export interface StateDocument {
  readonly _id: string;
  /** The attempt that wrote it. */
  readonly by: string;
  /** JSON. */
  readonly state: string;
  /** JSON of what goes with this one change, and is not repeated by later states. */
  readonly change?: string;
}

export interface Registered<State> {
  readonly number: number;
  readonly state: State;
  readonly change?: string;
}

/** Registers, each a chain of states: 1, 2, 3 … of which only the last counts. */
export interface Registers<State> {
  /** The last state, as of some time after the call; undefined before the first. */
  last(key: string): Promise<Registered<State> | undefined>;
  /** Writes the state with this number, the one after a state that is there. False: another has written it. */
  write(key: string, number: number, state: State, change?: string): Promise<boolean>;
  /** The state with this number while it is kept: as the last, or for its change. */
  get(key: string, number: number): Promise<Registered<State> | undefined>;
  /** What this instance knows of the last state, without asking; there may be later ones. */
  known(key: string): number | undefined;
  forget(prefix: string): void;
}

/**
 * Old states are deleted by blocks. The first of each block stays for ever, and the rest goes only when the next block has
 * a first: so who writes the state after an old one, which is gone, sees by the next block's first that it came too late.
 */
const block = 64;

const firstOf = (number: number) => number - ((number - 1) % block);

const maxKnown = 100_000;

const stateId = (key: string, number: number) => `${key}|${String(number).padStart(12, '0')}`;

/**
 * @param keepsChange a change that the last state still refers to must not be deleted: gives its number.
 */
export function createRegisters<State>(
  documents: Documents<StateDocument>,
  keepsChange: (state: State) => number | undefined = () => undefined,
): Registers<State> {
  const known = new Map<string, { readonly number: number; readonly state: State }>();
  const instance = randomUUID();
  let attempts = 0;

  const know = (key: string, number: number, state: State) => {
    known.delete(key);
    known.set(key, { number, state });
    if (known.size > maxKnown) known.delete(known.keys().next().value ?? '');
  };
  const has = (key: string, number: number) => documents.has(stateId(key, number));

  const decode = (number: number, { state, change }: StateDocument): Registered<State> => ({
    number,
    state: JSON.parse(state),
    ...(change !== undefined && { change }),
  });

  /** The number from which on there is a first of a block that has no first after it. */
  const lastFirst = async (key: string, from: number): Promise<number | undefined> => {
    if (!(await has(key, from))) return undefined;
    const low = await lastOf((at) => has(key, from + at * block));
    return from + low * block;
  };

  const find = async (key: string): Promise<Registered<State> | undefined> => {
    for (;;) {
      const start = known.get(key)?.number;
      const first = await lastFirst(key, start === undefined ? 1 : firstOf(start));
      if (first === undefined) {
        if (start === undefined) return undefined;
        // All of it was deleted since.
        known.delete(key);
        continue;
      }
      const base = Math.max(start ?? 0, first);
      const number = base + (await lastOf(async (at) => at < block - (base - first) && (await has(key, base + at))));
      const doc = await documents.get(stateId(key, number));
      // In the meantime others may have gone on into the next block, and deleted what this looked at.
      if (doc === undefined || (await has(key, first + block))) {
        known.delete(key);
        continue;
      }
      const found = decode(number, doc);
      know(key, number, found.state);
      return found;
    }
  };

  const prune = async (key: string, first: number, state: State) => {
    const keeps = keepsChange(state);
    const numbers = Array.from({ length: block - 1 }, (_, at) => first - block + 1 + at);
    await documents.remove(numbers.filter((number) => number !== keeps).map((number) => stateId(key, number)));
    const stays = await documents.get(stateId(key, first - block));
    if (stays?.change === undefined || keeps === first - block) return;
    const { _id, by, state: text } = stays;
    await documents.replace([{ _id, by, state: text }]);
  };

  return {
    last: async (key) => {
      const last = known.get(key);
      // Mostly it is still the last. Whether the block has a next one must be asked after whether the state has.
      if (last === undefined || (await has(key, last.number + 1))) return find(key);
      const first = firstOf(last.number);
      const [isThere, isNext] = await Promise.all([has(key, first), has(key, first + block)]);
      return isThere && !isNext ? last : find(key);
    },

    async write(key, number, state, change) {
      attempts += 1;
      const doc = {
        _id: stateId(key, number),
        by: `${instance}/${attempts}`,
        state: JSON.stringify(state),
        ...(change !== undefined && { change }),
      };
      if (!(await documents.insert(doc)).inserted) return false;
      const first = firstOf(number);
      if (number === first) {
        know(key, number, state);
        if (number > 1) await prune(key, number, state).catch(() => {});
        return true;
      }
      const [isNext, isThere] = await Promise.all([has(key, first + block), has(key, first)]);
      if (isThere && !isNext) {
        know(key, number, state);
        return true;
      }
      await documents.remove([doc._id]);
      known.delete(key);
      return false;
    },

    async get(key, number) {
      const doc = await documents.get(stateId(key, number));
      return doc && decode(number, doc);
    },

    known: (key) => known.get(key)?.number,

    forget(prefix) {
      for (const key of known.keys()) if (key.startsWith(prefix)) known.delete(key);
    },
  };
}

/** The last of 0, 1, 2 … for which it is true, if it is for all up to it; 0 is taken for granted. */
async function lastOf(isTrue: (at: number) => Promise<boolean>): Promise<number> {
  let low = 0;
  let high = 1;
  while (await isTrue(high)) {
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (await isTrue(middle)) low = middle;
    else high = middle;
  }
  return low;
}
