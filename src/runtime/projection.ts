import { fingerprint } from '../kernel/codec.ts';
import { failure } from '../kernel/errors.ts';
import type { RecordedEvent } from '../kernel/message.ts';
import type { Checkpoint, Fence } from '../ports/coordination.ts';
import type { ReadModelGeneration, ReadModelShape } from '../ports/read-model.ts';
import type { RuntimeContext } from './context.ts';
import type { ProjectionDefinition } from './define.ts';
import { asToday, createMatcher } from './event-matcher.ts';
import { readAt, readBatches } from './log-batches.ts';
import { createOrderedReader } from './ordered-reader.ts';
import { isPassing } from './passing.ts';
import { createPositionWaiters } from './position-waiters.ts';
import { foldBatch, keyedEvents } from './projection-fold.ts';
import type { ProjectionStatus } from './projections.ts';
import { createRebuildRequests } from './rebuild-requests.ts';

/** One projection on this worker, which reads while it holds the lease. */
export interface Projection {
  readonly name: string;
  start(): void;
  /** Twice is fine. */
  stop(): Promise<void>;
  status(): Promise<ProjectionStatus>;
  rebuild(onProgress?: (done: number, of: number) => void): Promise<void>;
  waitFor(position: number): Promise<void>;
}

/** Folded in one turn of the event loop. */
const batchSize = 500;
/** While a generation is built, the live one is brought up to date after so many batches. */
const liveEvery = 8;
/** More of them stop the projection. */
const maxFaultyRows = 1_000;

/** A generation being written, and how far it is. */
interface Builder {
  readonly generation: ReadModelGeneration;
  checkpoint: Checkpoint;
  faults: number;
}

/**
 * What holds, whoever dies after whichever line: rows, totals and checkpoint are committed together and fenced by the
 * lease, so each event is folded once; a generation is shown only when it has read the log to its end.
 */
export function createProjection(context: RuntimeContext, definition: ProjectionDefinition): Projection {
  const { logger, store, telemetry } = context;
  const { name } = definition;
  const shape = shapeOf(definition);
  const matches = createMatcher(definition.on);
  const models = store.readModels;
  let live: Builder | undefined;
  let building: Builder | undefined;

  const waiters = createPositionWaiters(
    context,
    name,
    async () => (await models.status(name))?.live.checkpoint.position,
  );
  let requested = false;
  /** The request that the generation being built answers. */
  let request: number | undefined;
  const requests = createRebuildRequests(context, name, () => {
    requested = true;
    reader.correct();
    reader.wake();
  });

  const reader = createOrderedReader(context, {
    name: `projection:${name}`,
    async onTaken(fence) {
      const opened = await models.open(shape, fence);
      const status = await models.status(name);
      const isLive = status?.live.generation === opened.number;
      const faults = isLive ? (await models.faulty(name, 1)).count : 0;
      const builder = { generation: opened, checkpoint: await opened.checkpoint(), faults };
      const intact = await isIntact(builder.checkpoint);
      if (!intact) logger.error({ projection: name }, 'The log lost its tail: the read model is rebuilt from it.');
      live = isLive && intact ? builder : undefined;
      // What another worker began to build is begun anew: how many of its rows are faulty is not known.
      building = live === undefined ? await begin(fence) : undefined;
      if (live !== undefined) waiters.reached(live.checkpoint.position);
      requests.watch();
    },
    async onLost() {
      requests.unwatch();
      live = undefined;
      building = undefined;
      request = undefined;
    },
    async read(fence, signal, advanced) {
      if (requested) await takeRequest(fence);
      try {
        if (building !== undefined) await build(building, fence, signal, advanced);
        else if (live !== undefined) await follow(live, fence, signal, advanced);
      } catch (error) {
        // It can't be built: whoever asked need not wait.
        if (request !== undefined && !isPassing(error)) await requests.done(request);
        throw error;
      }
      if (request !== undefined && !signal.aborted) await requests.done(request);
      request = undefined;
    },
  });

  async function takeRequest(fence: Fence): Promise<void> {
    requested = false;
    try {
      const asked = await requests.pending();
      // The same one again: it was built, and only that could not be told.
      if (asked === undefined || asked === request) return;
      if (building === undefined || !isSound(building)) building = await begin(fence);
      request = asked;
    } catch (error) {
      requested = true;
      throw error;
    }
  }

  async function begin(fence: Fence): Promise<Builder> {
    return { generation: await models.begin(shape, fence), checkpoint: { position: 0 }, faults: 0 };
  }

  async function isIntact({ position, eventId }: Checkpoint): Promise<boolean> {
    return position === 0 || (await readAt(store.events, position))?.id === eventId;
  }

  async function build(builder: Builder, fence: Fence, signal: AbortSignal, advanced: () => void): Promise<void> {
    assertSound(builder);
    let batches = 0;
    for await (const batch of batchesFor(builder, signal)) {
      await commit(builder, batch, fence);
      advanced();
      batches += 1;
      if (live !== undefined && isSound(live) && batches % liveEvery === 0) {
        await follow(live, fence, signal, advanced);
      }
    }
    if (signal.aborted) return;
    await models.swap(name, builder.generation.number, fence);
    live = builder;
    building = undefined;
    waiters.reached(builder.checkpoint.position);
    logger.info({ projection: name, position: builder.checkpoint.position }, 'A read model was built and swapped in.');
  }

  async function follow(builder: Builder, fence: Fence, signal: AbortSignal, advanced: () => void): Promise<void> {
    assertSound(builder);
    for await (const batch of batchesFor(builder, signal)) {
      await commit(builder, batch, fence);
      advanced();
      waiters.reached(builder.checkpoint.position);
    }
  }

  const batchesFor = (builder: Builder, signal: AbortSignal) =>
    readBatches(store.events, { after: builder.checkpoint.position, size: batchSize, signal });

  async function commit(builder: Builder, batch: readonly RecordedEvent[], fence: Fence): Promise<void> {
    const last = batch.at(-1);
    if (last === undefined) return;
    const events = batch.filter(matches).map((event) => asToday(context, event));
    const keyed = keyedEvents(definition, events);
    const ids = new Set(keyed.map(({ id }) => id));
    const stored = ids.size === 0 ? new Map() : await builder.generation.load([...ids]);
    const { upserts, deletes, faults } = foldBatch(definition, keyed, stored);
    const checkpoint = { position: last.position, eventId: last.id };
    await builder.generation.commit({ upserts, deletes, checkpoint, fence });
    builder.checkpoint = checkpoint;
    telemetry.count('events_projected_total', { projection: name }, events.length);
    if (faults === 0) return;
    builder.faults += faults;
    const marked = upserts.find(({ faulty }) => faulty !== undefined);
    logger.error({ projection: name, row: marked?.id, ...marked?.faulty }, 'A fold threw; its row stays as it was.');
    telemetry.count('projection_faults_total', { projection: name }, faults);
    assertSound(builder);
  }

  const isSound = ({ faults }: Builder) => faults <= maxFaultyRows;

  function assertSound(builder: Builder): void {
    if (isSound(builder)) return;
    throw failure('HANDLER_FAILED', {
      expected: `at most ${maxFaultyRows} faulty rows in the projection ${name}`,
      found: `${builder.faults}`,
      remedy: 'Correct its fold, raise its revision and deploy it: it is then rebuilt.',
    });
  }

  async function status(): Promise<ProjectionStatus> {
    const [known, head, faulty] = await Promise.all([models.status(name), store.events.head(), models.faulty(name, 1)]);
    const position = known?.live.checkpoint.position ?? 0;
    const error = reader.error();
    return {
      name,
      position,
      lag: Math.max(0, head - position),
      state: stateOf(reader.state(), faulty.count),
      held: reader.fence() !== undefined,
      faultyRows: faulty.count,
      ...(error === undefined ? {} : { error }),
      ...(known?.building === undefined ? {} : { rebuild: { position: known.building.checkpoint.position, head } }),
    };
  }

  function stateOf(state: string, faultyRows: number): ProjectionStatus['state'] {
    if (state === 'holding.faulty' || !(state.startsWith('holding') || state === 'seekingLease')) return 'stopped';
    if (reader.fence() === undefined) return 'waiting';
    if (building !== undefined) return 'rebuilding';
    if (state !== 'holding.live') return 'catching-up';
    return faultyRows > 0 ? 'faulty' : 'live';
  }

  return {
    name,
    start: reader.start,
    async stop() {
      waiters.stop();
      requests.stop();
      await reader.stop();
    },
    status,
    async rebuild(onProgress) {
      const ask = () =>
        requests.make(async () => {
          const { rebuild } = await status();
          if (rebuild !== undefined) onProgress?.(rebuild.position, rebuild.head);
        });
      const generation = async () => (await models.status(name))?.live.generation;
      const before = await generation();
      await ask();
      // It may have joined a request whose generation was swapped in a moment before.
      if ((await generation()) === before) await ask();
      const { position, error } = await status();
      if ((await generation()) === before) {
        throw failure('HANDLER_FAILED', {
          expected: `a read model ${name} built anew`,
          found: error ?? 'a projection that stopped on the worker that holds it',
        });
      }
      onProgress?.(position, position);
    },
    waitFor: waiters.wait,
  };
}

/** Function text is not part of it (it changes with whitespace): `revision` is. */
function shapeOf({ name, on, revision = 1, totals, search, index, order }: ProjectionDefinition): ReadModelShape {
  const parts = Object.entries({ totals, search, index, order }).map(([part, of]) => [part, of !== undefined]);
  return { name, hash: fingerprint({ name, on: [...on], revision, ...Object.fromEntries(parts) }) };
}
