import type { Message, Options } from 'amqplib';
import type { RecordedEvent } from '../../../kernel/message.ts';
import { eventTypeOf, fromCloudEvent, headerNames, toCloudEvent } from '../cloud-events.ts';
import { partitionOf } from '../partition.ts';
import { partitions } from './topology.ts';

/** An event as an AMQP message, by the binary mode of the CloudEvents binding for AMQP 1.0, in headers of 0-9-1. */
export interface OutgoingMessage {
  /** `Aggregate.Event`. */
  readonly routingKey: string;
  readonly content: Buffer;
  readonly options: Options.Publish;
  /** What it takes on the wire, about. */
  readonly bytes: number;
}

export function toMessage(event: RecordedEvent, namespace: string): OutgoingMessage {
  const { attributes, data } = toCloudEvent(event, namespace);
  const { datacontenttype: contentType = '' } = attributes;
  const headers: Record<string, string> = { partition: String(partitionOf(event.stream, partitions)) };
  let bytes = data.length;
  for (const [name, header] of names) {
    const value = attributes[name];
    if (value === undefined) continue;
    headers[header] = value;
    bytes += header.length + value.length;
  }
  return {
    routingKey: `${event.stream.type}.${event.type}`,
    content: data,
    options: { persistent: true, contentType, messageId: event.id, headers },
    bytes,
  };
}

/** What the message is, without reading the rest of it. */
export function typeOfMessage(message: Message): ReturnType<typeof eventTypeOf> {
  return eventTypeOf({ source: headerOf(message, 'source'), type: headerOf(message, 'type') });
}

/** The event that the message was made of; undefined when it is not one of ours. */
export function fromMessage(message: Message): RecordedEvent | undefined {
  const attributes: Record<string, string | undefined> = {};
  for (const name of names.keys()) attributes[name] = headerOf(message, name);
  return fromCloudEvent(attributes, message.content);
}

function headerOf({ properties }: Message, name: string): string | undefined {
  const value: unknown = properties.headers?.[names.get(name) ?? ''];
  return typeof value === 'string' ? value : undefined;
}

/** The type of the data is AMQP's own property. */
const names = new Map([...headerNames('cloudEvents_')].filter(([name]) => name !== 'datacontenttype'));
