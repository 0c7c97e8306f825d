import type { EventId, StreamId } from '../../../kernel/message.ts';
import type { CommandRecord, CommandRecordInput } from '../../../ports/event-store.ts';
import type { ClaimView } from './claim-views.ts';
import {
  type Commit,
  type CommitDocument,
  type CommitEntry,
  commitId,
  isoText,
  typeTerms,
} from './commit-documents.ts';
import type { Head } from './log-view.ts';
import { type StreamView, versionOf } from './stream-views.ts';

/** An event about to be written; its time only when another store has recorded it. */
export interface DraftEvent {
  readonly id: EventId;
  readonly type: string;
  readonly correlationId: string;
  readonly payload: string;
  readonly recordedAt?: string;
}

export interface DraftEntry {
  readonly stream: StreamView;
  readonly events: readonly DraftEvent[];
  readonly command?: CommandRecordInput & Partial<CommandRecord>;
  readonly take: readonly ClaimView[];
  readonly release: readonly ClaimView[];
}

/** The next commit while it is judged: each entry is judged on those before it, and nothing else knows of it. */
export interface Draft {
  readonly head: Head;
  /** When its entries are recorded. */
  readonly recordedAt: string;
  /** The last position, with what was added. */
  position(): number;
  /** How many events and bytes it has. */
  count(): number;
  bytes(): number;
  version(stream: StreamView): number;
  last(stream: StreamView): string;
  holder(claim: ClaimView): StreamId | undefined;
  command(stream: StreamView, id: string): CommandRecord | undefined;
  /** Adds what changes something; `bytes` is what its events take. */
  add(entry: DraftEntry, bytes: number): void;
  /** Forgets the command ids recorded before this time. */
  forget(horizon: number, kept: number): void;
  /** What is to be written; undefined when nothing would change. */
  finish(by: { readonly instance: string; readonly attempt: number; readonly done: number }): DraftCommit | undefined;
}

export interface DraftCommit {
  readonly doc: CommitDocument;
  readonly commit: Commit;
}

export function createDraft(head: Head, nowMs: number): Draft {
  const number = head.number + 1;
  const recordedAtMs = Math.max(nowMs, head.at);
  const streams = new Map<StreamView, { version: number; last: string }>();
  const claims = new Map<ClaimView, StreamId | undefined>();
  const commands = new Map<StreamView, Map<string, CommandRecord>>();
  const entries: CommitEntry[] = [];
  const payloads: string[] = [];
  const types = new Set<string>();
  const correlations = new Map<string, number>();
  let { horizon, kept, restored, at, eventAt } = { ...head, at: recordedAtMs };
  let size = 0;

  const draft: Draft = {
    head,
    recordedAt: isoText(recordedAtMs),
    position: () => head.position + payloads.length,
    count: () => payloads.length,
    bytes: () => size,
    version: (stream) => streams.get(stream)?.version ?? versionOf(stream),
    last: (stream) => streams.get(stream)?.last ?? stream.last ?? '',
    holder: (claim) => (claims.has(claim) ? claims.get(claim) : claim.holder),
    command: (stream, id) => commands.get(stream)?.get(id),

    add({ stream, events, command, take, release }, bytes) {
      const version = draft.version(stream);
      if (events.length > 0) streams.set(stream, { version: version + events.length, last: events.at(-1)?.id ?? '' });
      for (const { type, correlationId, payload, recordedAt } of events) {
        payloads.push(payload);
        for (const term of typeTerms(stream.stream.type, type)) types.add(term);
        if (!correlations.has(correlationId)) correlations.set(correlationId, correlations.size);
        eventAt = recordedAt === undefined ? recordedAtMs : Date.parse(recordedAt);
        if (recordedAt !== undefined) restored = number;
      }
      const isOwn = (claim: ClaimView) => isSame(draft.holder(claim), stream.stream);
      const released = release.filter(isOwn);
      for (const claim of released) claims.set(claim, undefined);
      const taken = take.filter((claim) => !isOwn(claim));
      for (const claim of taken) claims.set(claim, stream.stream);
      if (command) {
        const outcome = { version: version + events.length, count: events.length, position: draft.position() };
        const known = commands.get(stream) ?? new Map<string, CommandRecord>();
        commands.set(stream, known.set(command.id, { ...outcome, recordedAt: draft.recordedAt, ...command }));
        if (command.recordedAt !== undefined) {
          at = Math.max(at, Date.parse(command.recordedAt));
          restored = number;
        }
      }
      at = Math.max(at, eventAt);
      if (events.length === 0 && !command && released.length === 0 && taken.length === 0) return;
      size += bytes + 300;
      entries.push({
        stream: stream.stream,
        version,
        ...(events.length > 0 && {
          events: events.map(({ id, type, correlationId, recordedAt }) => {
            const place = correlations.get(correlationId) ?? 0;
            return recordedAt === undefined ? [id, type, place] : [id, type, place, recordedAt];
          }),
        }),
        ...(command && { command }),
        ...(taken.length > 0 && { take: taken.map(({ claim }) => claim) }),
        ...(released.length > 0 && { release: released.map(({ claim }) => claim) }),
      });
    },

    forget(beforeMs, from) {
      horizon = beforeMs;
      kept = from;
    },

    finish({ instance, attempt, done }) {
      if (entries.length === 0 && horizon === head.horizon) return undefined;
      const text = JSON.stringify(entries);
      const fields = {
        by: `${instance}/${attempt}`,
        writer: instance,
        done,
        at,
        eventAt,
        position: head.position,
        count: payloads.length,
        horizon,
        kept,
        restored,
        types: [...types],
        correlations: [...correlations.keys()],
        payloads,
      };
      return {
        doc: { _id: commitId(number), ...fields, entries: text },
        commit: { ...fields, number, entries, size: size + text.length },
      };
    },
  };
  return draft;
}

export function isSame(a: StreamId | undefined, b: StreamId): boolean {
  return a !== undefined && a.type === b.type && a.id === b.id;
}
