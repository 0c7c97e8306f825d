import { createHash } from 'node:crypto';
import type { CommandId, EventId, RecordedEvent } from '../../kernel/message.ts';

/** The context attributes of a CloudEvent: names of small letters and digits, values of visible ASCII. */
export type CloudEventAttributes = Readonly<Record<string, string>>;

/** All that an event of ours may have. */
const attributeNames = [
  ...['specversion', 'id', 'source', 'type', 'subject', 'time', 'datacontenttype', 'recordedtime', 'sequence'],
  ...['streamversion', 'schemaversion', 'correlationid', 'causationid', 'commandid', 'origin', 'userid', 'traceparent'],
];

/** The name of each attribute with a protocol's prefix. A name put together for each message cost as much as its value. */
export function headerNames(prefix: string): ReadonlyMap<string, string> {
  return new Map(attributeNames.map((name) => [name, prefix + name]));
}

/** An event in the binary mode of CloudEvents 1.0: attributes for headers, data for the body. */
export interface CloudEvent {
  readonly attributes: CloudEventAttributes;
  /** The event's data as JSON in UTF-8. */
  readonly data: Buffer;
}

/**
 * The event as a CloudEvent, the same on every bus. `type` is `Aggregate.Event`, `source` `/namespace/Aggregate`,
 * `subject` the aggregate's id, `time` when it occurred; the extensions are those of CloudEvents where it names some
 * (`recordedtime`, `sequence`, `correlationid`, `causationid`, `traceparent`), else our own.
 *
 * Values hold what a header of any protocol holds: everything but visible ASCII, and `"` and `%`, is percent-encoded, by
 * the rule of the HTTP binding, §3.1.3.2. A binding must not encode them again.
 */
export function toCloudEvent(event: RecordedEvent, namespace: string): CloudEvent {
  return { attributes: attributesOf(event, namespace), data: Buffer.from(JSON.stringify(event.data)) };
}

/** The event that `toCloudEvent` was given; undefined for a message that is not one of ours, whatever it is. */
export function fromCloudEvent(
  attributes: Readonly<Record<string, string | undefined>>,
  data: Uint8Array,
): RecordedEvent | undefined {
  return decoded(attributes, () => JSON.parse(utf8.decode(data)));
}

/** The same in the JSON format of CloudEvents, for buses without headers. */
export function toStructured(event: RecordedEvent, namespace: string): string {
  return JSON.stringify({ ...attributesOf(event, namespace), data: event.data });
}

/** The event that `toStructured` was given; undefined for a text that is not one of ours. */
export function fromStructured(text: string): RecordedEvent | undefined {
  try {
    const { data, ...attributes } = JSON.parse(text);
    return data === undefined ? undefined : decoded(attributes, () => data);
  } catch {
    return undefined;
  }
}

function attributesOf(event: RecordedEvent, namespace: string): CloudEventAttributes {
  const { id, stream, type, meta } = event;
  return {
    specversion: '1.0',
    id: encoded(id),
    source: `/${namespace}/${encodeURIComponent(stream.type)}`,
    type: encoded(`${stream.type}.${type}`),
    subject: encoded(stream.id),
    time: encoded(meta.occurredAt),
    datacontenttype: 'application/json',
    recordedtime: event.recordedAt,
    // Sorts as text, as the extension asks for: 16 digits hold 2^53.
    sequence: String(event.position).padStart(16, '0'),
    streamversion: String(event.version),
    schemaversion: String(meta.schema),
    correlationid: encoded(meta.correlationId),
    causationid: encoded(meta.causationId),
    commandid: encoded(meta.commandId),
    origin: encoded(meta.source),
    ...(meta.userId === undefined ? {} : { userid: encoded(meta.userId) }),
    traceparent: traceParent(event),
  };
}

function decoded(
  attributes: Readonly<Record<string, string | undefined>>,
  readData: () => unknown,
): RecordedEvent | undefined {
  try {
    const { aggregate, event: type } = eventTypeOf(attributes) ?? notOurs();
    const text = (name: string) => plain(attributes[name] ?? notOurs());
    return {
      id: text('id') as EventId,
      stream: { type: aggregate, id: text('subject') },
      version: whole(attributes.streamversion),
      position: whole(attributes.sequence),
      type,
      data: readData(),
      meta: {
        occurredAt: text('time'),
        commandId: text('commandid') as CommandId,
        correlationId: text('correlationid'),
        causationId: text('causationid'),
        ...(attributes.userid === undefined ? {} : { userId: text('userid') }),
        source: text('origin'),
        schema: whole(attributes.schemaversion),
      },
      recordedAt: attributes.recordedtime ?? notOurs(),
    };
  } catch {
    return undefined;
  }
}

/** What a pattern is matched against, known without reading the data; undefined when the message is not one of ours. */
export function eventTypeOf({ source, type }: Readonly<Record<string, string | undefined>>) {
  if (source === undefined || type === undefined) return undefined;
  try {
    const aggregate = plain(source.slice(source.lastIndexOf('/') + 1));
    const both = plain(type);
    if (!both.startsWith(`${aggregate}.`)) return undefined;
    return { aggregate, event: both.slice(aggregate.length + 1) };
  } catch {
    return undefined;
  }
}

/**
 * W3C Trace Context, derived, so that it is the same whoever publishes the event: everything that one first cause set in
 * motion is one trace, and the event is the parent of what its handlers do.
 */
function traceParent({ id, meta }: RecordedEvent): string {
  return `00-${hex(meta.correlationId, 32)}-${hex(id, 32).slice(16)}-01`;
}

/** A UUID's own digits, else those of the text's hash. All zeros would be no id. */
function hex(text: string, digits: number): string {
  const own = text.replaceAll('-', '').toLowerCase();
  if (/^[0-9a-f]{32}$/.test(own) && !/^0{16}|0{16}$/.test(own)) return own;
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function encoded(text: string): string {
  return visible.test(text) ? text : text.replaceAll(others, encodeURIComponent);
}

function plain(value: string): string {
  return value.includes('%') ? decodeURIComponent(value) : value;
}

/** All but `"` (22) and `%` (25). */
const visible = /^[\x21\x23\x24\x26-\x7e]*$/;
const others = /[^\x21\x23\x24\x26-\x7e]/gu;

function whole(text: string | undefined): number {
  const value = Number(text ?? notOurs());
  return Number.isSafeInteger(value) && value > 0 ? value : notOurs();
}

function notOurs(): never {
  throw new Error('Not one of ours.');
}
