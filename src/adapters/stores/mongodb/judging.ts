import { failure } from '../../../kernel/errors.ts';
import type { AppendEntry, AppendOutcome, CommandRecord } from '../../../ports/event-store.ts';
import { isExpected } from '../entries.ts';
import { encodeData } from '../event-data.ts';
import type { ClaimView } from './claim-views.ts';
import { encodePayload } from './commit-documents.ts';
import { type Draft, type DraftEvent, isSame } from './draft.ts';
import type { LogView } from './log-view.ts';
import type { StreamView } from './stream-views.ts';

/** An entry with everything ready that does not depend on the log. */
export interface PreparedEntry {
  readonly entry: AppendEntry;
  readonly events: readonly DraftEvent[];
  readonly bytes: number;
}

/** A document has 16 MB at most, and beside the events there is what is looked for. */
const maxEntryBytes = 15_000_000;

/** @throws EVENT_TOO_LARGE */
export function prepareEntry(entry: AppendEntry): PreparedEntry {
  const events = entry.events.map((event): DraftEvent => {
    const { id, type, meta } = event;
    return { id, type, correlationId: meta.correlationId, payload: encodePayload(event, encodeData(event)) };
  });
  const bytes = events.reduce(
    (sum, { payload, correlationId }) => sum + Buffer.byteLength(payload) + correlationId.length + 150,
    0,
  );
  if (bytes > maxEntryBytes) {
    throw failure('EVENT_TOO_LARGE', {
      expected: `at most ${maxEntryBytes} bytes in the events of one command, which MongoDB keeps in one document`,
      found: `${bytes} bytes`,
      remedy: 'Keep large content elsewhere and its address in the event.',
    });
  }
  return { entry, events, bytes };
}

/** What an entry is judged by. */
export interface Judged {
  readonly stream: StreamView;
  readonly take: readonly ClaimView[];
  readonly release: readonly ClaimView[];
}

export function judgedBy({ streams, claims }: LogView, { stream, take = [], release = [] }: AppendEntry): Judged {
  return { stream: streams.of(stream), take: take.map(claims.of), release: release.map(claims.of) };
}

/**
 * Judges the entry on the draft and adds it when it passes.
 * @param recorded its command's record in the log; undefined when there is none.
 */
export function judge(
  draft: Draft,
  prepared: PreparedEntry,
  by: Judged,
  recorded: CommandRecord | undefined,
): AppendOutcome {
  const { expected, command } = prepared.entry;
  const { stream, take, release } = by;
  const first = (command && draft.command(stream, command.id)) ?? recorded;
  if (first) return { kind: 'duplicate', first };
  const before = draft.version(stream);
  if (!isExpected(expected, before, draft.last(stream) || undefined)) return { kind: 'conflict', actual: before };
  for (const { claim, holder } of take.map((view) => ({ claim: view.claim, holder: draft.holder(view) }))) {
    if (holder !== undefined && !isSame(holder, stream.stream)) return { kind: 'claimed', claim, by: holder };
  }
  draft.add({ stream, events: prepared.events, take, release, ...(command && { command }) }, prepared.bytes);
  const version = before + prepared.events.length;
  return { kind: 'committed', version, position: draft.position(), recordedAt: draft.recordedAt };
}
