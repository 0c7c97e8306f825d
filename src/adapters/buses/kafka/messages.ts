import type { IHeaders, KafkaMessage, Message } from 'kafkajs';
import type { RecordedEvent } from '../../../kernel/message.ts';
import { eventTypeOf, fromCloudEvent, headerNames, toCloudEvent } from '../cloud-events.ts';

/** An event as a Kafka message, by the binary mode of the CloudEvents binding for Kafka 1.0. */
export interface OutgoingMessage {
  readonly message: Message;
  /** What it takes in a record batch, rather more than less. */
  readonly bytes: number;
}

/** The key is `Aggregate/id`: one aggregate, one partition, with the partitioner that all clients have by default. */
export function toKafkaMessage(event: RecordedEvent, namespace: string): OutgoingMessage {
  const { attributes, data } = toCloudEvent(event, namespace);
  const key = Buffer.from(`${event.stream.type}/${event.stream.id}`);
  const headers: Record<string, string> = {};
  let bytes = data.length + key.length + recordBytes;
  for (const [name, header] of names) {
    const value = attributes[name];
    if (value === undefined) continue;
    headers[header] = value;
    bytes += header.length + value.length + headerBytes;
  }
  return { message: { key, value: data, headers }, bytes };
}

/** What a message is, without reading the rest of it: most of what a group meets is of types that it did not ask for. */
export function typeOfMessage(headers: IHeaders = {}): ReturnType<typeof eventTypeOf> {
  return eventTypeOf({ source: text(headers.ce_source), type: text(headers.ce_type) });
}

/** The event that the message was made of; undefined when it is not one of ours. */
export function fromKafkaMessage({ headers = {}, value }: KafkaMessage): RecordedEvent | undefined {
  if (value === null) return undefined;
  const attributes: Record<string, string | undefined> = {};
  for (const [name, header] of names) attributes[name] = text(headers[header]);
  return fromCloudEvent(attributes, value);
}

function text(value: IHeaders[string]): string | undefined {
  return (Array.isArray(value) ? value[0] : value)?.toString();
}

const names = new Map(headerNames('ce_')).set('datacontenttype', 'content-type');

/** A record's and a header's own lengths, as varints, are within these (Kafka protocol, "Record"). */
const recordBytes = 40;
const headerBytes = 6;
