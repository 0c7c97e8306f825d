import type { CommandId, EventId, RecordedEvent, StreamId } from '../../../kernel/message.ts';
import type { LogPart, LogRecord } from '../../../ports/transfer.ts';
import { freshEvents, isFreshClaim, isFreshCommand } from '../restoring.ts';
import { type CommandColumns, commandColumns, decodeCommand } from './batch-answer.ts';
import type { Transaction } from './database.ts';
import { isoText } from './event-rows.ts';
import { isPlain, keyText } from './key-text.ts';
import { streamNumbered } from './stream-lookup.ts';

/** The data of each event, as JSON. */
type EventData = ReadonlyMap<RecordedEvent, string>;

/** The streams of a part by number, made where there were none. */
interface PartStreams {
  keyOf(stream: StreamId): number;
}

type RecordOf<Kind extends LogRecord['kind']> = Extract<LogRecord, { readonly kind: Kind }>;

/** Writes the part under the lock of the appends, in a transaction that is undone when it throws. @throws IMPORT_CONFLICT */
export async function restorePart(run: Transaction, { events, records }: LogPart, data: EventData): Promise<void> {
  await run('SELECT 1 FROM $.head FOR UPDATE', []);
  const streams = await streamsOf(run, events, records);
  await restoreEvents(run, events, data, streams);
  await restoreCommands(run, recordsOf(records, 'command'), streams);
  await restoreClaims(run, recordsOf(records, 'claim'), streams);
  await restoreCursors(run, recordsOf(records, 'cursor'), streams);
  for (const { name, checkpoint } of recordsOf(records, 'checkpoint')) {
    await run('INSERT INTO $.checkpoints (name, position, event_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [
      keyText(name),
      checkpoint.position,
      checkpoint.eventId ?? null,
    ]);
  }
}

const recordsOf = <Kind extends LogRecord['kind']>(records: readonly LogRecord[], kind: Kind) =>
  records.filter((record): record is RecordOf<Kind> => record.kind === kind);

async function streamsOf(
  run: Transaction,
  events: LogPart['events'],
  records: LogPart['records'],
): Promise<PartStreams> {
  const named = new Map<string, StreamId>();
  const add = (stream: StreamId) => named.set(placeOf(stream), stream);
  for (const { stream } of events) add(stream);
  for (const record of records) {
    if (record.kind === 'cursor') add(record.cursor.stream);
    else if (record.kind !== 'checkpoint') add(record.stream);
  }
  const all = [...named.values()];
  if (all.length === 0) return { keyOf: () => 0 };
  const [row] = await run<[keys: readonly string[]]>('SELECT $.stream_keys($1::text[], $2::text[])', [
    all.map(({ type }) => type),
    all.map(({ id }) => id),
  ]);
  const keys = new Map(all.map((stream, at) => [placeOf(stream), Number(row?.[0][at])]));
  return { keyOf: (stream) => keys.get(placeOf(stream)) ?? 0 };
}

async function restoreEvents(
  run: Transaction,
  events: LogPart['events'],
  data: EventData,
  streams: PartStreams,
): Promise<void> {
  if (events.length === 0) return;
  const keys = [...new Set(events.map(({ stream }) => streams.keyOf(stream)))];
  const versions = new Map(
    await run<[key: number, version: number]>(
      `SELECT w.key, e.version FROM unnest($1::bigint[]) AS w(key),
        LATERAL (SELECT version FROM $.events WHERE stream = w.key ORDER BY version DESC LIMIT 1) e`,
      [keys],
    ),
  );
  const ids = new Map(
    await run<[position: number, id: EventId]>(
      'SELECT position, id FROM $.events WHERE position = ANY ($1::bigint[])',
      [events.map(({ position }) => position)],
    ),
  );
  const [last] = await run<[position: number, recordedAt: number]>(
    'SELECT position, recorded_at FROM $.events ORDER BY position DESC LIMIT 1',
    [],
  );
  const fresh = freshEvents(events, {
    head: last?.[0] ?? 0,
    recordedAt: last === undefined ? '' : isoText(last[1]),
    eventIdAt: (position) => ids.get(position),
    versionOf: (stream) => versions.get(streams.keyOf(stream)) ?? 0,
  });
  const end = fresh.at(-1);
  if (end === undefined) return;
  const [types] = await run<[keys: readonly number[]]>('SELECT $.event_type_keys($1::text[], $2::text[])', [
    fresh.map(({ stream }) => stream.type),
    fresh.map(({ type }) => type),
  ]);
  await run(
    `INSERT INTO $.events (position, stream, recorded_at, version, type, id, correlation_id, meta, data)
      SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::integer[], $5::integer[], $6::text[], $7::text[],
        $8::text[], $9::text[])`,
    [
      fresh.map(({ position }) => position),
      fresh.map(({ stream }) => streams.keyOf(stream)),
      fresh.map(({ recordedAt }) => Date.parse(recordedAt)),
      fresh.map(({ version }) => version),
      types?.[0] ?? [],
      fresh.map(({ id }) => id),
      fresh.map(({ meta }) => keyText(meta.correlationId)),
      fresh.map(({ meta }) => JSON.stringify(meta)),
      fresh.map((event) => data.get(event) ?? 'null'),
    ],
  );
}

async function restoreCommands(
  run: Transaction,
  given: readonly RecordOf<'command'>[],
  streams: PartStreams,
): Promise<void> {
  if (given.length === 0) return;
  const rows = await run<[at: number, id: CommandId, ...CommandColumns]>(
    `SELECT w.at, c.id, ${commandColumns} FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS w(stream, id, at),
      LATERAL (SELECT * FROM $.commands c WHERE c.stream = w.stream AND c.id = w.id OFFSET 0) c`,
    [given.map(({ stream }) => streams.keyOf(stream)), given.map(({ record }) => record.id)],
  );
  const stored = new Map(rows.map(([at, id, ...columns]) => [at, decodeCommand(id, columns)]));
  const fresh = given.filter(({ stream, record }, at) => isFreshCommand(stream, record, stored.get(at + 1)));
  await run(
    `INSERT INTO $.commands (key, stream, recorded_at, position, version, count, id, fingerprint, refused)
      SELECT coalesce((SELECT d.key FROM $.commands d ORDER BY d.key DESC LIMIT 1), 0) + w.at, w.stream, w.recorded_at,
        w.position, w.version, w.count, w.id, w.fingerprint, w.refused
      FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::integer[], $5::integer[], $6::text[], $7::text[], $8::text[])
        WITH ORDINALITY AS w(stream, recorded_at, position, version, count, id, fingerprint, refused, at)`,
    [
      fresh.map(({ stream }) => streams.keyOf(stream)),
      fresh.map(({ record }) => Date.parse(record.recordedAt)),
      fresh.map(({ record }) => record.position),
      fresh.map(({ record }) => record.version),
      fresh.map(({ record }) => record.count),
      fresh.map(({ record }) => record.id),
      fresh.map(({ record }) => record.fingerprint),
      fresh.map(({ record }) => (record.refused === undefined ? null : JSON.stringify(record.refused))),
    ],
  );
}

async function restoreClaims(
  run: Transaction,
  given: readonly RecordOf<'claim'>[],
  streams: PartStreams,
): Promise<void> {
  if (given.length === 0) return;
  const holders = new Map(
    (
      await run<[claim: string, type: string, id: string]>(
        `SELECT c.claim, s.type, s.id FROM (SELECT * FROM $.claims WHERE claim = ANY ($1::text[]) OFFSET 0) c,
          ${streamNumbered('c.stream')}`,
        [given.map(({ claim }) => keyText(claim))],
      )
    ).map(([claim, type, id]) => [claim, { type, id }]),
  );
  const fresh = given.filter(({ claim, stream }) => isFreshClaim(claim, stream, holders.get(keyText(claim))));
  await run('INSERT INTO $.claims (claim, stream, exact) SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[])', [
    fresh.map(({ claim }) => keyText(claim)),
    fresh.map(({ stream }) => streams.keyOf(stream)),
    fresh.map(({ claim }) => (isPlain(claim) ? null : JSON.stringify(claim))),
  ]);
}

/** One that is there has gone on since, so it stays. */
async function restoreCursors(
  run: Transaction,
  given: readonly RecordOf<'cursor'>[],
  streams: PartStreams,
): Promise<void> {
  const cursors = given.map(({ cursor }) => cursor);
  await run(
    `INSERT INTO $.cursors (subscription, stream, revision, version, state, parked_id, parked)
      SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::integer[], $5::text[], $6::text[], $7::text[])
      ORDER BY 1, 2 ON CONFLICT DO NOTHING`,
    [
      cursors.map(({ subscription }) => keyText(subscription)),
      cursors.map(({ stream }) => streams.keyOf(stream)),
      cursors.map(({ revision }) => revision),
      cursors.map(({ version }) => version),
      cursors.map(({ state }) => state.kind),
      cursors.map(({ state }) => (state.kind === 'parked' ? keyText(state.id) : null)),
      cursors.map(({ state }) => (state.kind === 'parked' ? JSON.stringify(state) : null)),
    ],
  );
}

const placeOf = ({ type, id }: StreamId) => JSON.stringify([type, id]);
