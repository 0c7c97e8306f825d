import { failure } from '../../../kernel/errors.ts';
import type { Checkpoint, Fence } from '../../../ports/coordination.ts';
import type {
  ReadModelCommit,
  ReadModelGeneration,
  ReadModelShape,
  ReadModelStore,
  Row,
} from '../../../ports/read-model.ts';
import type { Bindings } from './bindings.ts';
import type { Connection } from './connection.ts';
import { begun, committed, generationIn, modelIn, type Opened, opened, statusOf, swapped } from './generations.ts';
import { assertFence, type LeaseState, type LeaseStates, type ModelState } from './lease-states.ts';
import type { Registered } from './registers.ts';
import { decodeRow, encodeRow, type RowChange, type RowDocument, totalsOf } from './row-documents.ts';
import { type GenerationRows, mongodbRows, type RowsRead, rowsPrefix } from './rows.ts';

export interface ReadModelParts {
  readonly states: LeaseStates;
  readonly bindings: Bindings;
  readonly namespace: string;
}

/** How often a read is begun again when the rows went on meanwhile. */
const maxTries = 20;

/**
 * A commit is one state of the lease: checkpoint and totals in it, the rows beside it. From there the rows go to their
 * documents; whoever reads before that is done sees them all the same, and the next commit waits for it.
 */
export function mongodbReadModels(
  connection: Connection,
  { states, bindings, namespace }: ReadModelParts,
): ReadModelStore {
  const { call } = connection;
  /** By lease, the last change that this process brought into the rows, and the last that it read. */
  const applied = new Map<string, number>();
  const read = new Map<string, { readonly number: number; readonly change: RowChange }>();

  const rowsOf = (name: string, number: number): GenerationRows =>
    mongodbRows(connection, `${rowsPrefix(namespace, name)}${number}`);

  const pendingOf = async (lease: string, { state }: Registered<LeaseState>): Promise<RowChange | undefined> => {
    const { pending } = state;
    if (pending === undefined || applied.get(lease) === pending) return undefined;
    const known = read.get(lease);
    if (known?.number === pending) return known.change;
    const text = await states.changeAt(lease, pending);
    if (text === undefined) return undefined;
    const change: RowChange = JSON.parse(text);
    read.set(lease, { number: pending, change });
    return change;
  };

  const apply = async (lease: string, number: number, change: RowChange) => {
    await rowsOf(change.model, change.generation).apply(number, change);
    applied.set(lease, number);
  };

  /** Brings the pending change in, before another takes its place. */
  const settle = async (lease: string, now: Registered<LeaseState>) => {
    const change = await pendingOf(lease, now);
    if (change === undefined || now.state.pending === undefined) return;
    const model = modelIn(now.state, change.model);
    const isKept = [model?.live.number, model?.building?.number].includes(change.generation);
    if (isKept) await apply(lease, now.state.pending, change);
  };

  /** The state that a read model is in; undefined when it never was opened. */
  const find = async (name: string) => {
    const [lease] = await bindings.leasesOf(name);
    if (lease === undefined) return undefined;
    const now = await states.read(lease);
    const model = modelIn(now.state, name);
    return model && { lease, now, model };
  };

  /** Reads of the live generation, as it is in one state. */
  const reading = async <Result>(
    name: string,
    nothing: Result,
    work: (rows: GenerationRows, pending: RowChange | undefined) => Promise<RowsRead<Result>>,
  ): Promise<Result> => {
    for (let tries = 1; ; tries += 1) {
      const found = await find(name);
      if (!found) return nothing;
      const { number } = found.model.live;
      const change = await pendingOf(found.lease, found.now);
      const pending = change?.model === name && change.generation === number ? change : undefined;
      const { result, newest, isShort } = await work(rowsOf(name, number), pending);
      if (tries === maxTries || (newest <= found.now.number && !isShort)) return result;
      const again = await find(name);
      const wentOn = newest > found.now.number && again?.now.number !== found.now.number;
      if (again?.model.live.number === number && !wentOn) return result;
    }
  };

  /** @param known where the writer believes the generation to be */
  const commit = async (name: string, number: number, commitOf: ReadModelCommit, known: Checkpoint) => {
    const { fence, checkpoint, deletes } = commitOf;
    const { lease } = fence;
    const rows = rowsOf(name, number);
    const upserts = commitOf.upserts.map(encodeRow);
    const written = await states.change(lease, async (now) => {
      assertFence(fence, now);
      const generation = generationIn(now.state, name, number);
      if (!isSame(generation.checkpoint, known)) {
        // The reply to the commit before was lost: it landed, and its rows have what is in these.
        if (isSame(generation.checkpoint, checkpoint)) return { result: undefined };
        throw overtaken(number, known, generation.checkpoint);
      }
      await settle(lease, now);
      const before = await rows.load([...upserts.map(({ id }) => id), ...deletes]);
      const change: RowChange = {
        model: name,
        generation: number,
        rows: upserts.map((row) => (before.has(row.id) ? row : { ...row, isNew: true })),
        deletes: deletes.filter((id) => before.has(id)),
      };
      const next = committed(now.state, name, generation, checkpoint, differences(before, change));
      if (change.rows.length === 0 && change.deletes.length === 0) return { result: undefined, state: next };
      const at = now.number + 1;
      return { result: { at, change }, state: { ...next, pending: at }, change: JSON.stringify(change) };
    });
    if (!written) return;
    read.set(lease, { number: written.at, change: written.change });
    await apply(lease, written.at, written.change);
  };

  const asBuilder = async (name: string, number: number, lease: string): Promise<ReadModelGeneration> => {
    const rows = rowsOf(name, number);
    await rows.index();
    const stored = async () => generationIn((await states.read(lease)).state, name, number).checkpoint;
    let known = await stored();
    return {
      number,

      checkpoint: () =>
        call(async () => {
          known = await stored();
          return known;
        }),

      load: (ids) =>
        call(async () => {
          const now = await states.read(lease);
          const pending = await pendingOf(lease, now);
          const found = new Map<string, Row>();
          for (const [id, doc] of await rows.load(ids)) found.set(id, decodeRow(doc));
          if (pending?.model !== name || pending.generation !== number) return found;
          const wanted = new Set(ids);
          for (const id of pending.deletes) found.delete(id);
          for (const row of pending.rows)
            if (wanted.has(row.id)) found.set(row.id, decodeRow({ _id: row.id, n: 0, ...row }));
          return found;
        }),

      commit: (given) => {
        connection.assertOpen();
        return call(async () => {
          await commit(name, number, given, known);
          known = given.checkpoint;
        });
      },
    };
  };

  /** Changes the generations under the fence, then drops the rows of those that are no longer in the state. */
  const change = async (name: string, fence: Fence, decide: (state: LeaseState) => Opened): Promise<number> => {
    await bindings.bind(name, fence.lease);
    const [lease] = await bindings.leasesOf(name);
    if (lease !== fence.lease) {
      throw failure('INVALID_CONFIGURATION', {
        expected: `read model ${name} under its lease ${lease}`,
        found: `lease ${fence.lease}`,
        remedy: 'Build a read model under one lease always.',
      });
    }
    const { before, after, number } = await states.change(fence.lease, (now) => {
      assertFence(fence, now);
      const { state: after, number } = decide(now.state);
      const result = { before: now.state, after, number };
      return after === now.state ? { result } : { result, state: after };
    });
    const kept = numbersOf(modelIn(after, name));
    for (const dropped of numbersOf(modelIn(before, name))) {
      // Nobody reads it any more; what is left by a crash only takes room.
      if (!kept.includes(dropped))
        await rowsOf(name, dropped)
          .drop()
          .catch(() => {});
    }
    return number;
  };

  return {
    open: (shape: ReadModelShape, fence) =>
      call(async () =>
        asBuilder(shape.name, await change(shape.name, fence, (state) => opened(state, shape)), fence.lease),
      ),

    begin: (shape, fence) =>
      call(async () =>
        asBuilder(shape.name, await change(shape.name, fence, (state) => begun(state, shape)), fence.lease),
      ),

    swap: (name, number, fence) =>
      call(async () => {
        await change(name, fence, (state) => ({ state: swapped(state, name, number), number }));
      }),

    status: (name) =>
      call(async () => {
        const found = await find(name);
        return found && statusOf(found.model);
      }),

    get: (name, id) =>
      call(() =>
        reading<Row | undefined>(name, undefined, async (rows, pending) => {
          const row = pending?.rows.find((one) => one.id === id);
          const isDeleted = pending?.deletes.includes(id) ?? false;
          const doc = row || isDeleted ? undefined : (await rows.load([id])).get(id);
          const result = row ? decodeRow({ _id: id, n: 0, ...row }) : doc && decodeRow(doc);
          return { result, newest: doc?.n ?? 0, isShort: result === undefined && !isDeleted };
        }),
      ),

    page: (name, query) => call(() => reading(name, { rows: [] }, (rows, pending) => rows.page(query, pending))),

    search: (name, text, limit) =>
      call(() =>
        limit <= 0 ? Promise.resolve([]) : reading(name, [], (rows, pending) => rows.search(text, limit, pending)),
      ),

    totals: (name) => call(async () => Object.fromEntries((await find(name))?.model.live.totals ?? [])),

    faulty: (name, limit) =>
      call(() => reading(name, { count: 0, rows: [] }, (rows, pending) => rows.faulty(limit, pending))),
  };
}

/** What the totals change by. */
function differences(before: ReadonlyMap<string, RowDocument>, { rows, deletes }: RowChange): Map<string, number> {
  const changes = new Map<string, number>();
  const count = (totals: string | undefined, sign: 1 | -1) => {
    for (const [name, amount] of totalsOf(totals)) changes.set(name, (changes.get(name) ?? 0) + sign * amount);
  };
  for (const row of rows) {
    const old = before.get(row.id)?.totals;
    if (old === row.totals) continue;
    count(old, -1);
    count(row.totals, 1);
  }
  for (const id of deletes) count(before.get(id)?.totals, -1);
  return changes;
}

const isSame = (a: Checkpoint, b: Checkpoint) => a.position === b.position && a.eventId === b.eventId;

/** Opening it again tells where it stands. */
function overtaken(number: number, expected: Checkpoint, found: Checkpoint) {
  return failure('FENCED', {
    expected: `generation ${number} at position ${expected.position}`,
    found: `position ${found.position}`,
    remedy: 'Open it again: a commit before this one landed after all.',
  });
}

const numbersOf = (model: ModelState | undefined): readonly number[] =>
  model ? [model.live.number, ...(model.building ? [model.building.number] : [])] : [];
