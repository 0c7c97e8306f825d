import { failure } from '../../../kernel/errors.ts';
import type { CommandId } from '../../../kernel/message.ts';
import type { AppendOutcome, CommandRecord } from '../../../ports/event-store.ts';
import type { Batch } from './batch.ts';
import { isoText } from './event-rows.ts';

/** What the function `append` answers; `known` and `holders` only where they are asked for. */
export type BatchAnswer = [
  head: number,
  recordedAt: number,
  kinds: readonly number[],
  numbers: readonly number[],
  known: readonly [command: number, ...CommandColumns][] | null,
  holders: readonly [entry: number, type: string, id: string][] | null,
];

/** The columns of a command record in the order of `decodeCommand`. */
export const commandColumns = 'fingerprint, version, count, position, recorded_at, refused';

export type CommandColumns = [
  fingerprint: string,
  version: number,
  count: number,
  position: number,
  recordedAt: number,
  refused: string | null,
];

/** The outcome of each entry. */
export function decodeAnswer({ entries, commands, claims }: Batch, answer: BatchAnswer): readonly AppendOutcome[] {
  const [head, recordedAtMs, kinds, numbers, known, holders] = answer;
  const recordedAt = isoText(recordedAtMs);
  const stored = new Map(known?.map(([command, ...columns]) => [command, columns]));
  const holding = new Map(holders?.map(([entry, type, id]) => [entry, { type, id }]));
  const outcomes: AppendOutcome[] = [];
  let position = head;

  /** As the entry of this batch with this number recorded it. */
  const recorded = (number: number): CommandRecord => {
    const [entry, outcome] = [entries[number - 1], outcomes[number - 1]];
    if (entry?.command === undefined || outcome?.kind !== 'committed') throw unreadable();
    const { version, position, recordedAt } = outcome;
    return { ...entry.command, version, position, recordedAt, count: entry.events.length };
  };

  const outcomeOf = (index: number): AppendOutcome => {
    const number = numbers[index] ?? 0;
    const entry = entries[index];
    switch (kinds[index]) {
      case 0:
        position += entry?.events.length ?? 0;
        return { kind: 'committed', version: number, position, recordedAt };
      case 1: {
        if (number > 0) return { kind: 'duplicate', first: recorded(number) };
        const columns = stored.get(commands[index] ?? 0);
        if (entry?.command === undefined || columns === undefined) throw unreadable();
        return { kind: 'duplicate', first: decodeCommand(entry.command.id, columns) };
      }
      case 2:
        return { kind: 'conflict', actual: number };
      default: {
        const [claim, by] = [claims[number - 1], holding.get(index + 1)];
        if (claim === undefined || by === undefined) throw unreadable();
        return { kind: 'claimed', claim, by };
      }
    }
  };

  for (let index = 0; index < entries.length; index += 1) outcomes.push(outcomeOf(index));
  return outcomes;
}

export function decodeCommand(id: CommandId, columns: CommandColumns): CommandRecord {
  const [fingerprint, version, count, position, recordedAt, refused] = columns;
  const outcome = { version, count, position, recordedAt: isoText(recordedAt) };
  return { id, fingerprint, ...outcome, ...(refused !== null && { refused: JSON.parse(refused) }) };
}

/** The schema's functions are not those of this version. */
function unreadable() {
  return failure('STORE_CORRUPT', {
    expected: 'an answer of the function append',
    found: 'another',
    remedy: 'Restore a backup, or drop the schema to begin with an empty one.',
  });
}
