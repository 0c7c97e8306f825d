import type { Clock } from '../../../kernel/clock.ts';
import { failure } from '../../../kernel/errors.ts';
import type { EventId, StreamId } from '../../../kernel/message.ts';
import { type EventStore, isUsableId, type StreamHead } from '../../../ports/event-store.ts';
import { packEvents } from '../archive-codec.ts';
import { checkEntries } from '../entries.ts';
import { encodeData } from '../event-data.ts';
import { together } from '../together.ts';
import { postgresqlArchives } from './archives.ts';
import { jsonTexts } from './array-literal.ts';
import { encodeBatch } from './batch.ts';
import { type BatchAnswer, decodeAnswer } from './batch-answer.ts';
import type { Claims } from './claims.ts';
import type { Commands } from './commands.ts';
import type { Database } from './database.ts';
import { postgresqlReading } from './event-reading.ts';

export interface LogParts {
  readonly commands: Commands;
  readonly claims: Claims;
}

/** The log. How a batch is judged and written is in `append-function.ts`. */
export function postgresqlEvents(db: Database, { commands, claims }: LogParts, clock: Clock): EventStore {
  const archives = postgresqlArchives(db);
  const reading = postgresqlReading(db, archives);
  const append = db.prepareInOrder<BatchAnswer>(`SELECT head, recorded_at, kinds, numbers, known, holders
    FROM $.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
    $22, $23, $24, $25, ${jsonTexts('$26')}, ${jsonTexts('$27')})`);
  const heads = db.prepare<[version: number | null, lastEvent: EventId]>(`SELECT e.version, e.id
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w(type, id, at)
    LEFT JOIN LATERAL (SELECT t.key FROM $.streams t WHERE t.type = w.type AND t.id = w.id OFFSET 0) t ON true
    LEFT JOIN LATERAL (SELECT e.version, e.id FROM $.events e WHERE e.stream = t.key
      ORDER BY e.version DESC LIMIT 1) e ON true
    ORDER BY w.at`);
  // Many aggregates are hydrated at once, and each begins with this question.
  const headOf = together(async (streams: readonly StreamId[]) => {
    const rows = await heads(
      streams.map(({ type }) => type),
      streams.map(({ id }) => id),
    );
    return rows.map(([version, eventId]): StreamHead => (version === null ? { version: 0 } : { version, eventId }));
  });

  return {
    async append(entries) {
      db.assertOpen();
      checkEntries(entries);
      const data = entries.map(({ events }) => events.map(encodeData));
      checkSize(data);
      if (entries.length === 0) return [];
      const batch = encodeBatch(entries, data);
      const [answer] = await append(clock.now(), ...batch.columns);
      if (answer === undefined) throw failure('INTERNAL', { found: 'no answer of the function append' });
      const outcomes = decodeAnswer(batch, answer);
      db.listener.wake();
      return outcomes;
    },

    readStream: reading.readStream,

    readAll: reading.readAll,

    async streamHead(stream) {
      db.assertOpen();
      // No such stream has events, and the server would refuse the question with all that go with it.
      if (!isUsableId(stream.type) || !isUsableId(stream.id)) return { version: 0 };
      return headOf(stream);
    },

    head: reading.head,

    claimHolders: claims.holders,

    forgetCommandIds: commands.forget,

    async archive(stream, at) {
      const packedTo = await archives.packedTo(stream, at);
      if (packedTo === undefined) return false;
      if (packedTo < at.version) {
        const rest = reading.readStream(stream, { from: packedTo + 1, to: at.version });
        for await (const packed of packEvents(rest)) await archives.add(stream, packed);
      }
      return (await archives.packedTo(stream, at)) !== undefined;
    },

    watch(wake) {
      db.assertOpen();
      return db.listener.add(wake);
    },
  };
}

/** What one message to the server takes, with room for the rest: https://www.postgresql.org/docs/current/limits.html */
const maxBatchCharacters = 200_000_000;

/** The batch is refused whole; each entry alone will fit. @throws EVENT_TOO_LARGE */
function checkSize(data: readonly (readonly string[])[]): void {
  let characters = 0;
  for (const texts of data) for (const text of texts) characters += text.length;
  if (characters <= maxBatchCharacters) return;
  throw failure('EVENT_TOO_LARGE', {
    expected: `at most ${maxBatchCharacters} characters of data in one append`,
    found: String(characters),
    remedy: 'Append less at once.',
  });
}
