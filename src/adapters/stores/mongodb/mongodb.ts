import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../../../kernel/clock.ts';
import { failure } from '../../../kernel/errors.ts';
import type { Store } from '../../../ports/store.ts';
import { createWatchers } from '../watchers.ts';
import { type ArchiveDocument, createArchives } from './archives.ts';
import { type BindingDocument, createBindings } from './bindings.ts';
import { type Chain, createChain } from './chain.ts';
import { mongodbCheckpoints } from './checkpoints.ts';
import { type ClaimDocument, createClaimViews } from './claim-views.ts';
import type { Commit, CommitDocument } from './commit-documents.ts';
import { type Connection, connect } from './connection.ts';
import { type CursorRecord, mongodbCursors } from './cursors.ts';
import { type Documents, documentsIn } from './documents.ts';
import { mongodbEvents } from './event-log.ts';
import { createReading } from './event-reading.ts';
import { createKeyFilter, type KeyFilter } from './key-filter.ts';
import { createLeaseStates, type LeaseState } from './lease-states.ts';
import { mongodbLeases } from './leases.ts';
import { createLogView, type Head } from './log-view.ts';
import { createLogWriter } from './log-writer.ts';
import type { CursorMark } from './marked-cursors.ts';
import { mongodbReadModels } from './read-models.ts';
import { createRegisters, type StateDocument } from './registers.ts';
import { createRollForward, type MarkDocument, markId, type RollForward } from './roll-forward.ts';
import { mongodbSnapshots, type SnapshotDocument } from './snapshots.ts';
import { createStreamViews, type StreamDocument } from './stream-views.ts';
import { mongodbTransfer } from './transfer.ts';

export interface MongodbStoreOptions {
  /** Such as `mongodb://user:password@localhost:27017/statewright`. The path is the database; `statewright` without one. */
  readonly url: string;
  /** The beginning of every collection's name. Default `statewright`. */
  readonly namespace?: string;
  /** What `recordedAt` is taken from. Default: the machine's own clock. */
  readonly clock?: Clock;
  /** How long a request is tried again before it is STORE_UNAVAILABLE. Default 5,000. */
  readonly patienceMs?: number;
  /** How long the server may take for one answer before the connection is given up. Default 30,000. */
  readonly answerMs?: number;
}

/**
 * Everything on a MongoDB server, standalone or replica set, without transactions: the log is a chain of commits, and
 * what else is decided, too, by who first inserts a document (docs/decisions/0007).
 * @throws STORE_UNAVAILABLE, INVALID_CONFIGURATION
 */
export async function mongodbStore({
  url,
  namespace = 'statewright',
  clock = systemClock,
  patienceMs = 5000,
  answerMs = 30_000,
}: MongodbStoreOptions): Promise<Store> {
  const connection = await connect({ url, patienceMs, answerMs });
  try {
    return await storeOn(connection, namespace, clock);
  } catch (error) {
    await connection.close(async () => {});
    throw error;
  }
}

async function storeOn(connection: Connection, namespace: string, clock: Clock): Promise<Store> {
  const within = <Doc extends { readonly _id: string }>(name: string) =>
    documentsIn<Doc>(connection, `${namespace}_${name}`);
  const commits = within<CommitDocument>('commits');
  const streams = within<StreamDocument>('streams');
  const claims = within<ClaimDocument>('claims');
  const marks = within<MarkDocument>('marks');
  const bindings = within<BindingDocument>('bindings');
  const cursorStates = within<StateDocument>('cursors');
  const cursorMarks = within<CursorMark>('marked_cursors');
  await checkFormat(marks);
  await commits.index([
    { types: 1, _id: 1 },
    { correlations: 1, _id: 1 },
  ]);
  await cursorMarks.index([{ letter: 1 }, { kind: 1, subscription: 1, letter: 1 }]);

  const instance = randomUUID();
  const chain = createChain(commits, connection);
  const watchers = createWatchers();
  const mark = (await marks.get(markId))?.n ?? 0;
  const rolling: { forward?: RollForward } = {};
  const onApplied = (commit: Commit) => {
    rolling.forward?.told(commit.writer, commit.done);
    rolling.forward?.start();
    if (commit.count > 0) watchers.wake();
  };
  const filter = createKeyFilter();
  const view = createLogView(
    { chain, streams: createStreamViews(streams, filter), claims: createClaimViews(claims, filter), filter },
    await headAt(chain, mark),
    onApplied,
  );
  const forward = createRollForward({ view, streams, claims, marks, instance, mark });
  rolling.forward = forward;
  await view.refresh();
  if (mark === 0) filter.isComplete();
  else learnKeys(filter, [streams, claims]);

  const writer = createLogWriter({ chain, view, clock, instance, done: forward.done });
  const archives = createArchives(within<ArchiveDocument>('archives'), chain);
  const reading = createReading(connection, { chain, view, archives });
  const states = createLeaseStates(
    createRegisters<LeaseState>(within<StateDocument>('leases'), ({ pending }) => pending),
  );
  const checkpoints = mongodbCheckpoints(connection, states, createBindings(bindings, 'checkpoint'));
  const cursors = mongodbCursors(connection, {
    registers: createRegisters<CursorRecord>(cursorStates),
    documents: cursorStates,
    marks: cursorMarks,
  });
  return {
    provider: 'mongodb',
    features: { embedded: false, durable: true, shared: true },
    events: mongodbEvents(connection, { chain, view, writer, reading, archives, watchers }),
    snapshots: mongodbSnapshots(connection, within<SnapshotDocument>('snapshots')),
    checkpoints: checkpoints.store,
    cursors: cursors.store,
    leases: mongodbLeases(connection, states),
    readModels: mongodbReadModels(connection, { states, bindings: createBindings(bindings, 'model'), namespace }),
    transfer: mongodbTransfer(connection, {
      chain,
      view,
      writer,
      rollForward: forward,
      claims,
      cursors,
      checkpoints,
    }),
    ping: () => connection.call(connection.ping),
    async warnings() {
      return [];
    },
    close: () => connection.close(forward.finish),
  };
}

async function headAt(chain: Chain, number: number): Promise<Head> {
  const commit = number === 0 ? undefined : await chain.get(number);
  if (!commit) return { number: 0, position: 0, at: 0, eventAt: 0, horizon: 0, kept: 0, restored: 0 };
  const { position, count, at, eventAt, horizon, kept, restored } = commit;
  return { number, position: position + count, at, eventAt, horizon, kept, restored };
}

/** Tells other versions by which one the collections are written. @throws STORE_NEWER */
async function checkFormat(marks: Documents<MarkDocument>): Promise<void> {
  const found = (await marks.get(formatId))?.n;
  if (found === undefined) await marks.insert({ _id: formatId, n: format });
  if (found === undefined || found <= format) return;
  throw failure('STORE_NEWER', {
    expected: `format ${format} at most`,
    found: `format ${found}`,
    remedy: 'Run the version of Statewright that wrote it, or a newer one.',
  });
}

/** What these collections hold, and how. */
const format = 1;
const formatId = 'format';

/** Tells the filter of all keys up to the mark, by and by: later ones it is told of as they come. */
function learnKeys(filter: KeyFilter, all: readonly Pick<Documents<never>, 'ids'>[]): void {
  const learn = async () => {
    for (const documents of all) {
      for await (const id of documents.ids()) filter.add(id.slice(0, id.lastIndexOf('|')));
    }
    filter.isComplete();
  };
  // Without it, new keys are looked for in the documents.
  learn().catch(() => {});
}
