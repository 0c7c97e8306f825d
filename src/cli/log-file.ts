import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { failure } from '../kernel/errors.ts';
import type { RecordedEvent } from '../kernel/message.ts';
import type { LogRecord } from '../ports/transfer.ts';

/**
 * A log in a file: lines of JSON. The first says what the file is; then come the records, before the events that they
 * are about, so that an import that was broken off has told the subscriptions too little rather than too much; then the
 * events by position; the last counts them all, so that a file that was cut is noticed.
 */
export const logFormat = 'statewright-log';
export const logFormatVersion = 1;

const position = Type.Integer({ minimum: 0 });
const time = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' });
const stream = Type.Object({ type: Type.String(), id: Type.String() });

const Header = Type.Object({
  format: Type.Literal(logFormat),
  formatVersion: Type.Integer(),
  provider: Type.String(),
  head: position,
  exportedAt: time,
});
export type LogFileHeader = Static<typeof Header>;

const Footer = Type.Object({
  kind: Type.Literal('end'),
  events: position,
  records: position,
  /** Of every line before this one, with the ends of the lines. */
  sha256: Type.String(),
});
export type LogFileFooter = Static<typeof Footer>;

const Event = Type.Object({
  id: Type.String(),
  stream,
  version: Type.Integer({ minimum: 1 }),
  position: Type.Integer({ minimum: 1 }),
  type: Type.String(),
  data: Type.Unknown(),
  meta: Type.Object({
    occurredAt: Type.String(),
    commandId: Type.String(),
    correlationId: Type.String(),
    causationId: Type.String(),
    userId: Type.Optional(Type.String()),
    source: Type.String(),
    schema: Type.Integer({ minimum: 1 }),
  }),
  recordedAt: time,
});

const CommandRecord = Type.Object({
  id: Type.String(),
  fingerprint: Type.String(),
  version: position,
  count: position,
  position,
  recordedAt: time,
  refused: Type.Optional(Type.Object({ code: Type.String(), because: Type.String() })),
});

const Parked = Type.Object({
  kind: Type.Literal('parked'),
  id: Type.String(),
  eventId: Type.String(),
  eventType: Type.String(),
  position,
  code: Type.String(),
  cause: Type.String(),
  attempts: Type.Integer(),
  parkedAt: Type.String(),
});

const Cursor = Type.Object({
  subscription: Type.String(),
  stream,
  version: position,
  state: Type.Union([
    Type.Object({ kind: Type.Literal('live') }),
    Type.Object({ kind: Type.Literal('redriving') }),
    Parked,
  ]),
  revision: Type.Integer({ minimum: 1 }),
});

const Line = Type.Union([
  Type.Object({ kind: Type.Literal('event'), event: Event }),
  Type.Object({ kind: Type.Literal('command'), stream, record: CommandRecord }),
  Type.Object({ kind: Type.Literal('claim'), claim: Type.String(), stream }),
  Type.Object({ kind: Type.Literal('cursor'), cursor: Cursor }),
  Type.Object({
    kind: Type.Literal('checkpoint'),
    name: Type.String(),
    checkpoint: Type.Object({ position, eventId: Type.Optional(Type.String()) }),
  }),
]);

/** A line between the first and the last. */
export type LogLine = LogRecord | { readonly kind: 'event'; readonly event: RecordedEvent };

const headers = Compile(Header);
const footers = Compile(Footer);
const lines = Compile(Line);

/** @throws IMPORT_UNREADABLE */
export function parseHeader(text: string): LogFileHeader {
  const header = parsed(text, 1);
  if (!headers.Check(header)) throw unreadable(1, `the header of a ${logFormat}`, text);
  if (header.formatVersion <= logFormatVersion) return header;
  throw unreadable(1, `format version ${logFormatVersion} at most`, String(header.formatVersion));
}

/** @throws IMPORT_UNREADABLE with the line's number */
export function parseLine(text: string, number: number): LogLine | LogFileFooter {
  const line = parsed(text, number);
  // What a brand of ids says can't be checked: they are texts.
  if (lines.Check(line)) return line as LogLine;
  if (footers.Check(line)) return line;
  throw unreadable(number, 'an event, a record or the end of the file', text);
}

/** The file is not what `export` wrote. */
export function unreadable(line: number, expected: string, found: string) {
  const shown = found.length > 120 ? `${found.slice(0, 120)}…` : found;
  return failure('IMPORT_UNREADABLE', {
    expected: `${expected} in line ${line}`,
    found: shown || 'nothing',
    remedy: 'Export again, and copy the file whole.',
    details: { line },
  });
}

function parsed(text: string, number: number): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable(number, 'JSON', text);
  }
}
