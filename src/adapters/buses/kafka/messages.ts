import type { IHeaders, Message } from 'kafkajs';
import type { RecordedEvent } from '../../../kernel/message.ts';
import { toCloudEvent } from '../cloud-events.ts';

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
  for (const [name, value] of Object.entries(attributes)) {
    const header = name === contentType ? contentTypeHeader : prefix + name;
    headers[header] = value;
    bytes += header.length + value.length + headerBytes;
  }
  return { message: { key, value: data, headers }, bytes };
}

/** The attributes in a message's headers; those of a message that is not a CloudEvent are none. */
export function attributesOf(headers: IHeaders | undefined): Readonly<Record<string, string | undefined>> {
  const attributes: Record<string, string> = {};
  for (const [header, value] of Object.entries(headers ?? {})) {
    const one = Array.isArray(value) ? value[0] : value;
    if (one === undefined) continue;
    if (header.startsWith(prefix)) attributes[header.slice(prefix.length)] = one.toString();
    else if (header === contentTypeHeader) attributes[contentType] = one.toString();
  }
  return attributes;
}

const prefix = 'ce_';
const contentType = 'datacontenttype';
const contentTypeHeader = 'content-type';

/** A record's and a header's own lengths, as varints, are within these (Kafka protocol, "Record"). */
const recordBytes = 40;
const headerBytes = 6;
