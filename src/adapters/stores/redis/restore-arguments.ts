import type { RecordedEvent } from '../../../kernel/message.ts';
import type { LogPart, LogRecord } from '../../../ports/transfer.ts';
import { encodeCheckpoint } from './checkpoints.ts';
import type { Argument } from './connection.ts';
import { encodeCursor } from './cursors.ts';
import { encodeRecorded, encodeRecordedCommand } from './event-records.ts';
import { commandField, type Keys, streamText } from './keys.ts';
import { createNumbers } from './numbers.ts';
import type { ReadTarget } from './restore-target.ts';

type Record<Kind extends LogRecord['kind']> = Extract<LogRecord, { readonly kind: Kind }>;

/** Keys and arguments of the script that writes a part. @throws EVENT_TOO_LARGE */
export function encodeRestore({ events, records }: LogPart, { revision, head }: ReadTarget, keys: Keys) {
  const { log, commands, commandOrder, claims, appends, types, correlations, checkpoints } = keys;
  const named = [
    log,
    keys.events,
    keys.heads,
    commands,
    commandOrder,
    claims,
    appends,
    types,
    correlations,
    checkpoints,
  ];
  const numbers = createNumbers([...named, keys.subscriptions, keys.parked, keys.deadLetters, keys.parkedCounts]);

  const ofEvent = (event: RecordedEvent): readonly Argument[] => {
    const { id, stream, type, version, position, meta } = event;
    const typeText = streamText({ type: stream.type, id: type });
    const typeKey = numbers.of(keys.type(stream.type, type));
    const streamKey = numbers.of(keys.stream(stream));
    const place = [streamText(stream), streamKey, id, version, position];
    return [typeText, typeKey, meta.correlationId, ...place, encodeRecorded(event)];
  };

  const ofCursor = ({ cursor }: Record<'cursor'>): readonly Argument[] => {
    const { subscription, stream, state } = cursor;
    const own = [keys.cursors, keys.letters, keys.parkedOf, keys.redriving].map((key) => numbers.of(key(subscription)));
    const letter = state.kind === 'parked' ? state.id : '';
    return [...own, subscription, streamText(stream), encodeCursor(cursor), state.kind, letter];
  };

  const ofKind = <Kind extends LogRecord['kind']>(kind: Kind) =>
    records.filter((record): record is Record<Kind> => record.kind === kind);
  const recorded = ofKind('command');
  const times = [...events, ...recorded.map(({ record }) => record)].map(({ recordedAt }) => Date.parse(recordedAt));
  const lastMs = times.reduce((last, ms) => Math.max(last, ms), 0);
  const list = <Item>(items: readonly Item[], encode: (item: Item) => readonly Argument[]) => [
    items.length,
    ...items.flatMap(encode),
  ];
  const args: readonly Argument[] = [
    revision,
    lastMs,
    new Date(lastMs).toISOString(),
    events.at(-1)?.position ?? head,
    ...list(events, ofEvent),
    ...list(recorded, ({ stream, record }) => [commandField(stream, record.id), encodeRecordedCommand(record)]),
    ...list(ofKind('claim'), ({ claim, stream }) => [claim, streamText(stream)]),
    ...list(ofKind('checkpoint'), ({ name, checkpoint }) => [name, encodeCheckpoint(checkpoint)]),
    ...list(ofKind('cursor'), ofCursor),
  ];
  return { names: numbers.names, args };
}
