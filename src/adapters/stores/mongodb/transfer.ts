import type { EventId } from '../../../kernel/message.ts';
import type { CommandRecord } from '../../../ports/event-store.ts';
import type { LogPart, LogRecord, LogTransfer } from '../../../ports/transfer.ts';
import { encodeData } from '../event-data.ts';
import { checkPart, freshEvents, isFreshClaim, isFreshCommand } from '../restoring.ts';
import type { Chain } from './chain.ts';
import type { MongodbCheckpoints } from './checkpoints.ts';
import type { ClaimDocument } from './claim-views.ts';
import { commandsOf, encodePayload, eventsOf, isoText, streamKey } from './commit-documents.ts';
import type { Connection } from './connection.ts';
import type { MongodbCursors } from './cursors.ts';
import type { Documents } from './documents.ts';
import type { Draft } from './draft.ts';
import type { LogView } from './log-view.ts';
import type { Knowledge, LogWriter } from './log-writer.ts';
import type { RollForward } from './roll-forward.ts';
import { versionOf } from './stream-views.ts';

export interface TransferParts {
  readonly chain: Chain;
  readonly view: LogView;
  readonly writer: LogWriter;
  readonly rollForward: RollForward;
  readonly claims: Documents<ClaimDocument>;
  readonly cursors: MongodbCursors;
  readonly checkpoints: MongodbCheckpoints;
}

const sliceMax = 500;

export function mongodbTransfer(connection: Connection, parts: TransferParts): LogTransfer {
  const { chain, view, writer, rollForward, claims, cursors, checkpoints } = parts;
  const { call } = connection;

  async function* commandRecords(): AsyncGenerator<LogRecord, void, undefined> {
    const { number: last, kept } = await call(view.refresh);
    for (let number = Math.max(kept, 1); number <= last; number += 1) {
      const commit = await call(() => chain.get(number));
      for (const { stream, record } of commit ? commandsOf(commit) : []) {
        if (Date.parse(record.recordedAt) >= view.head().horizon) yield { kind: 'command', stream, record };
      }
    }
  }

  async function* heldClaims(): AsyncGenerator<LogRecord, void, undefined> {
    // A claim is found in the documents only; so everything must be in them.
    await call(async () => {
      await view.refresh();
      await rollForward.finish();
    });
    for (let after = ''; ; ) {
      const from = after;
      const docs = await call(() =>
        claims.find({ first: true, _id: { $gt: from } }, { sort: { _id: 1 }, limit: sliceMax, only: ['claim'] }),
      );
      const known = await call(async () => {
        const found = docs.map(({ claim }) => view.claims.of(JSON.parse(claim)));
        await view.load([], found);
        return found;
      });
      for (const { claim, holder } of known) if (holder) yield { kind: 'claim', claim, stream: holder };
      if (docs.length < sliceMax) return;
      after = docs.at(-1)?._id ?? after;
    }
  }

  /** The ids of the part's events that are in the log already, by position. */
  const storedIds = async ({ events }: LogPart): Promise<Map<number, EventId>> => {
    const ids = new Map<number, EventId>();
    const head = await view.refresh();
    const old = events.filter(({ position }) => position >= 1 && position <= head.position);
    const [first] = old;
    if (first === undefined) return ids;
    const last = old.reduce((most, { position }) => Math.max(most, position), 0);
    const low = old.reduce((least, { position }) => Math.min(least, position), first.position);
    for (let number = await chain.after(low - 1, head); number <= head.number; number += 1) {
      const commit = await chain.get(number);
      if (commit === undefined || commit.position >= last) break;
      for (const { event } of eventsOf(commit)) ids.set(event.position, event.id);
    }
    return ids;
  };

  const restore = async (part: LogPart) => {
    const data = new Map(part.events.map((event) => [event, encodeData(event)]));
    const ids = await storedIds(part);
    const commands = part.records.filter((record) => record.kind === 'command');
    const taken = part.records.filter((record) => record.kind === 'claim');
    const known = () => ({
      streams: [...part.events, ...commands, ...taken].map(({ stream }) => view.streams.of(stream)),
      claims: taken.map(({ claim }) => view.claims.of(claim)),
    });
    const records = await storedCommands(known, commands);
    return writer.write(known, (draft: Draft) => {
      const { position, eventAt } = draft.head;
      // What others have restored meanwhile must be looked at first.
      const unread = part.events.some(
        (event) => event.position <= position && event.position >= 1 && !ids.has(event.position),
      );
      const isNewer = commands.some(({ stream, record }) => {
        const commit = view.streams.of(stream).commands.get(record.id);
        return commit !== undefined && !records.has(commandKey(stream, record));
      });
      if (unread || isNewer) return false;
      const fresh = freshEvents(part.events, {
        head: position,
        recordedAt: position === 0 ? '' : isoText(eventAt),
        eventIdAt: (at) => ids.get(at),
        versionOf: (stream) => versionOf(view.streams.of(stream)),
      });
      for (const event of fresh) {
        const { id, type, meta, recordedAt } = event;
        const payload = encodePayload(event, data.get(event) ?? 'null');
        const stream = view.streams.of(event.stream);
        const events = [{ id, type, correlationId: meta.correlationId, payload, recordedAt }];
        draft.add({ stream, events, take: [], release: [] }, payload.length);
      }
      for (const { stream, record } of commands) {
        if (!isFreshCommand(stream, record, records.get(commandKey(stream, record)))) continue;
        draft.add({ stream: view.streams.of(stream), events: [], command: record, take: [], release: [] }, 0);
      }
      for (const { claim, stream } of taken) {
        const of = view.claims.of(claim);
        if (!isFreshClaim(claim, stream, draft.holder(of))) continue;
        draft.add({ stream: view.streams.of(stream), events: [], take: [of], release: [] }, 0);
      }
      return true;
    });
  };

  /** What is stored of the commands of a part. */
  const storedCommands = async (
    known: () => Knowledge,
    commands: readonly Extract<LogRecord, { kind: 'command' }>[],
  ) => {
    const { streams, claims: wanted } = known();
    await view.load(streams, wanted);
    const found = new Map<string, CommandRecord>();
    for (const { stream, record } of commands) {
      const of = view.streams.of(stream);
      const stored = of.commands.has(record.id) ? await writer.recorded(of, record.id) : undefined;
      if (stored) found.set(commandKey(stream, record), stored);
    }
    return found;
  };

  return {
    async *records() {
      connection.assertOpen();
      for await (const { name, checkpoint } of checkpoints.all()) yield { kind: 'checkpoint', name, checkpoint };
      for await (const cursor of cursors.all()) yield { kind: 'cursor', cursor };
      yield* commandRecords();
      yield* heldClaims();
    },

    restore: (part) =>
      call(async () => {
        checkPart(part);
        while (!(await restore(part)));
        for (const record of part.records) {
          if (record.kind === 'cursor') await cursors.restore(record.cursor);
          if (record.kind === 'checkpoint') await checkpoints.restore(record.name, record.checkpoint);
        }
      }),
  };
}

const commandKey = (stream: Parameters<typeof streamKey>[0], { id }: CommandRecord) => `${streamKey(stream)} ${id}`;
