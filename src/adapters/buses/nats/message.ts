import { gunzipSync, gzipSync } from 'node:zlib';
import { type MsgHdrs, MsgHdrsImpl } from 'nats';
import type { RecordedEvent } from '../../../kernel/message.ts';
import { messageTooLarge } from '../bus-errors.ts';
import { fromCloudEvent, toCloudEvent } from '../cloud-events.ts';

/** An event as NATS carries it: CloudEvents 1.0 in binary mode, attributes as headers `ce-…`. */
export interface NatsMessage {
  readonly event: RecordedEvent;
  readonly headers: MsgHdrs;
  readonly data: Buffer;
  /** Headers and data, as the server counts them. */
  readonly bytes: number;
}

/** No event's data may be larger, however well it is compressed. */
const maxDataBytes = 8 * 2 ** 20;

/**
 * The data as they are; compressed, and told so by a header, when the server would not take them otherwise.
 * @param maxBytes what the server takes, `max_payload`
 * @throws MESSAGE_TOO_LARGE
 */
export function encodeMessage(event: RecordedEvent, namespace: string, maxBytes: number): NatsMessage {
  const { attributes, data } = toCloudEvent(event, namespace);
  // The server drops a second message of this id within its window of duplicates.
  let head = `NATS/1.0\r\nNats-Msg-Id: ${attributes.id}\r\n`;
  for (const name of Object.keys(attributes)) head += `ce-${name}: ${attributes[name]}\r\n`;
  if (data.length > maxDataBytes) throw messageTooLarge(event, data.length, maxDataBytes);
  const plain = message(event, head, data);
  if (plain.bytes <= maxBytes) return plain;
  const compressed = message(event, `${head}${encodingKey}: gzip\r\n`, gzipSync(data));
  if (compressed.bytes > maxBytes) throw messageTooLarge(event, plain.bytes, maxBytes);
  return compressed;
}

/** The event; undefined for a message that is not one of ours. */
export function decodeMessage(carried: MsgHdrs | undefined, data: Uint8Array): RecordedEvent | undefined {
  if (carried === undefined) return undefined;
  const attributes: Record<string, string> = {};
  for (const [name, [value]] of carried)
    if (name.startsWith('ce-') && value !== undefined) attributes[name.slice('ce-'.length)] = value;
  if (!carried.has(encodingKey)) return fromCloudEvent(attributes, data);
  try {
    return fromCloudEvent(attributes, gunzipSync(data, { maxOutputLength: maxDataBytes }));
  } catch {
    return undefined;
  }
}

const encodingKey = 'content-encoding';

/** @param head the headers' lines: visible ASCII, as the attributes of a CloudEvent are. */
function message(event: RecordedEvent, head: string, data: Buffer): NatsMessage {
  const headers = new Written(Buffer.from(`${head}\r\n`, 'latin1'));
  return { event, headers, data, bytes: headers.encode().length + data.length };
}

/** Headers as they go over the wire. Setting one after the other costs the driver five times as much. */
class Written extends MsgHdrsImpl {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    super();
    this.#bytes = bytes;
  }

  override encode(): Uint8Array {
    return this.#bytes;
  }
}
