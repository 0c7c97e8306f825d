import type { CommandId, EventId, NewEvent, RecordedEvent, StreamId } from '../../../kernel/message.ts';
import type { CommandRecord, CommandRecordInput } from '../../../ports/event-store.ts';

/** One link of the log: a group commit. Its `_id` is its number, so only who knows all before it can write it. */
export interface CommitDocument {
  readonly _id: string;
  /** The attempt that wrote it. */
  readonly by: string;
  /** The instance that wrote it, which had put all its commits up to `done` into the indexes by then. */
  readonly writer: string;
  readonly done: number;
  /** When, in milliseconds; never before the commit before. */
  readonly at: number;
  /** When the last event of the log up to here was recorded. */
  readonly eventAt: number;
  /** The last position before it, and how many events it has. */
  readonly position: number;
  readonly count: number;
  /** Command ids recorded before this time are forgotten; none of them is in a commit before `kept`. */
  readonly horizon: number;
  readonly kept: number;
  /** The last commit up to here that restored what another store had recorded. */
  readonly restored: number;
  /** What is looked for: `User.Created`, `User.*` and `*.Created` of each event. */
  readonly types: readonly string[];
  readonly correlations: readonly string[];
  /** JSON of `CommitEntry[]`. */
  readonly entries: string;
  /** JSON of `{ data, meta }` of each event; empty when it is in an archive. */
  readonly payloads: readonly string[];
}

/** What one command did, as it is kept. */
export interface CommitEntry {
  readonly stream: StreamId;
  /** The stream's version before. */
  readonly version: number;
  readonly events?: readonly CommitEvent[];
  readonly command?: CommandRecordInput & Partial<CommandRecord>;
  readonly take?: readonly string[];
  readonly release?: readonly string[];
}

/** What is kept of an event beside its payload: id, type, place of its correlation id, time if it isn't the commit's. */
export type CommitEvent = readonly [id: EventId, type: string, correlation: number, recordedAt?: string];

/** A commit as it is read. */
export interface Commit extends Omit<CommitDocument, '_id' | 'entries'> {
  readonly number: number;
  readonly entries: readonly CommitEntry[];
  /** About how much memory it takes. */
  readonly size: number;
}

/** So that texts order as numbers do. */
export const commitId = (number: number): string => String(number).padStart(12, '0');

export function decodeCommit({ _id, entries, ...rest }: CommitDocument): Commit {
  const size = rest.payloads.reduce((sum, { length }) => sum + length, entries.length) + 500;
  return { ...rest, number: Number(_id), entries: JSON.parse(entries), size };
}

/** The text of an event that no filter looks at. */
export function encodePayload({ meta }: NewEvent, data: string): string {
  return `{"data":${data},"meta":${JSON.stringify(meta)}}`;
}

/** What a filter by type or pattern finds it by. */
export const typeTerms = (streamType: string, type: string): readonly string[] => [
  `${streamType}.${type}`,
  `${streamType}.*`,
  `*.${type}`,
];

/** One event of a commit, still to be given its payload. */
export interface FoundEvent {
  readonly event: Omit<RecordedEvent, 'data' | 'meta'>;
  readonly correlationId: string;
  /** Empty when it is in the stream's archive. */
  readonly payload: string;
}

/** The events of a commit by position; only those of one stream when one is given. */
export function* eventsOf(commit: Commit, only?: StreamId): Generator<FoundEvent, void, undefined> {
  let at = 0;
  for (const { stream, version, events = [] } of commit.entries) {
    if (only !== undefined && (only.type !== stream.type || only.id !== stream.id)) {
      at += events.length;
      continue;
    }
    for (const [index, [id, type, correlation, recordedAt]] of events.entries()) {
      yield {
        event: {
          id,
          stream: { type: stream.type, id: stream.id },
          version: version + index + 1,
          position: commit.position + at + 1,
          type,
          recordedAt: recordedAt ?? isoText(commit.at),
        },
        correlationId: commit.correlations[correlation] ?? '',
        payload: commit.payloads[at] ?? '',
      };
      at += 1;
    }
  }
}

/** The record of a command in a commit, if it is there. */
export function commandIn(commit: Commit, stream: StreamId, id: CommandId): CommandRecord | undefined {
  return commandsOf(commit).find(
    (found) => found.record.id === id && found.stream.type === stream.type && found.stream.id === stream.id,
  )?.record;
}

/** The commands recorded by a commit, in order. */
export function commandsOf(commit: Commit): readonly { readonly stream: StreamId; readonly record: CommandRecord }[] {
  let { position } = commit;
  return commit.entries.flatMap(({ stream, version, events = [], command }) => {
    position += events.length;
    if (!command) return [];
    const outcome = {
      version: version + events.length,
      count: events.length,
      position,
      recordedAt: isoText(commit.at),
    };
    return [{ stream, record: { ...outcome, ...command } }];
  });
}

export const isoText = (ms: number): string => new Date(ms).toISOString();

/** The address of a stream in one text. */
export const streamKey = ({ type, id }: StreamId): string => JSON.stringify([type, id]);
