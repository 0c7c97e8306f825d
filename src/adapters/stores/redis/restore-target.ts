import type { EventId } from '../../../kernel/message.ts';
import type { LogPart, LogRecord } from '../../../ports/transfer.ts';
import { freshEvents, isFreshClaim, isFreshCommand, type RestoreTarget } from '../restoring.ts';
import type { Connection } from './connection.ts';
import { decodeCommand, decodeHead, decodeStored } from './event-records.ts';
import { commandField, type Keys, streamOf, streamText } from './keys.ts';

/** What the log has of a part that is to be written to it, at a revision. */
export interface ReadTarget extends RestoreTarget {
  readonly revision: string;
  isFresh(record: LogRecord): boolean;
}

export async function readTarget(connection: Connection, keys: Keys, part: LogPart): Promise<ReadTarget> {
  const lookUp = async (key: string, fields: readonly string[]) => {
    const unique = [...new Set(fields)];
    if (unique.length === 0) return new Map<string, string>();
    const values = await connection.send<(string | null)[]>('HMGET', key, ...unique);
    return new Map(unique.flatMap((field, at) => (typeof values[at] === 'string' ? [[field, values[at]]] : [])));
  };

  const log = await lookUp(keys.log, ['position', 'revision']);
  const head = Number(log.get('position') ?? 0);
  const positions = [...part.events.map(({ position }) => position), head].filter((position) => position <= head);
  const [events, heads, commands, claims] = await Promise.all([
    lookUp(keys.events, positions.map(String)),
    lookUp(
      keys.heads,
      part.events.map(({ stream }) => streamText(stream)),
    ),
    lookUp(
      keys.commands,
      part.records.flatMap((each) => (each.kind === 'command' ? [commandField(each.stream, each.record.id)] : [])),
    ),
    lookUp(
      keys.claims,
      part.records.flatMap((each) => (each.kind === 'claim' ? [each.claim] : [])),
    ),
  ]);
  const eventAt = (position: number) => {
    const text = events.get(String(position));
    return text === undefined ? undefined : decodeStored(text);
  };

  return {
    revision: log.get('revision') ?? '0',
    head,
    recordedAt: eventAt(head)?.recordedAt ?? '',
    eventIdAt: (position): EventId | undefined => eventAt(position)?.id,
    versionOf: (stream) => decodeHead(heads.get(streamText(stream)) ?? null).version,
    isFresh(record) {
      switch (record.kind) {
        case 'command': {
          const stored = commands.get(commandField(record.stream, record.record.id));
          return isFreshCommand(record.stream, record.record, stored === undefined ? undefined : decodeCommand(stored));
        }
        case 'claim': {
          const holder = claims.get(record.claim);
          return isFreshClaim(record.claim, record.stream, holder === undefined ? undefined : streamOf(holder));
        }
        // Where they are there, the script leaves them alone.
        case 'cursor':
        case 'checkpoint':
          return true;
      }
    },
  };
}

/** What of the part is to be written. @throws IMPORT_CONFLICT */
export function freshPart({ events, records }: LogPart, target: ReadTarget): LogPart {
  return { events: freshEvents(events, target), records: records.filter(target.isFresh) };
}
