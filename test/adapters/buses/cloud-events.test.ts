import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  eventTypeOf,
  fromCloudEvent,
  fromStructured,
  toCloudEvent,
  toStructured,
} from '../../../src/adapters/buses/cloud-events.ts';
import type { CommandId, EventId, RecordedEvent } from '../../../src/kernel/message.ts';

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('', ' ', '%', '%2F', '"', '\n', '\u0000', 'a/b', 'a.b', '__proto__', '日本 🦉', 'ß'.repeat(256)),
);
const name = fc.oneof(fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]*$/), text);
const whole = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

const event: fc.Arbitrary<RecordedEvent> = fc
  .record({
    id: text,
    stream: fc.record({ type: name, id: text }, { noNullPrototype: true }),
    version: whole,
    position: whole,
    type: name,
    data: fc.jsonValue(),
    meta: fc.record(
      {
        occurredAt: text,
        commandId: text,
        correlationId: fc.oneof(text, fc.uuid()),
        causationId: text,
        userId: text,
        source: text,
        schema: whole,
      },
      {
        requiredKeys: ['occurredAt', 'commandId', 'correlationId', 'causationId', 'source', 'schema'],
        noNullPrototype: true,
      },
    ),
    recordedAt: fc.constant('2026-01-02T03:04:05.680Z'),
  })
  .map(({ id, meta, data, ...rest }) => ({
    ...rest,
    id: id as EventId,
    // JSON has no -0.
    data: JSON.parse(JSON.stringify(data)),
    meta: { ...meta, commandId: meta.commandId as CommandId },
  }));

const example: RecordedEvent = {
  id: '019a8f3e-1111-7aaa-8bbb-0123456789ab' as EventId,
  stream: { type: 'User', id: '42' },
  version: 3,
  position: 1_234,
  type: 'UserCreated',
  data: { email: 'a@example.com' },
  meta: {
    occurredAt: '2026-01-02T03:04:05.678Z',
    commandId: 'key 1' as CommandId,
    correlationId: '019a8f3e-0000-7aaa-8bbb-ba9876543210',
    causationId: 'ä',
    userId: 'anna',
    source: 'user-service',
    schema: 2,
  },
  recordedAt: '2026-01-02T03:04:05.680Z',
};

describe('an event as a CloudEvent', () => {
  it('comes back exactly as it was, whatever its ids and data are', () => {
    fc.assert(
      fc.property(event, (one) => {
        const { attributes, data } = toCloudEvent(one, 'statewright');
        expect(fromCloudEvent(attributes, data)).toEqual(one);
        expect(fromStructured(toStructured(one, 'statewright'))).toEqual(one);
        expect(eventTypeOf(attributes)).toEqual({ aggregate: one.stream.type, event: one.type });
      }),
    );
  });

  it('has values that any protocol carries in a header', () => {
    fc.assert(
      fc.property(event, (one) => {
        for (const [attribute, value] of Object.entries(toCloudEvent(one, 'ns').attributes)) {
          expect(attribute).toMatch(/^[a-z0-9]{1,20}$/);
          expect(value).toMatch(/^[\x21-\x7e]*$/);
        }
        expect(toCloudEvent(one, 'ns').attributes.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      }),
    );
  });

  it('is what strangers read', () => {
    const { attributes, data } = toCloudEvent(example, 'shop');
    expect(attributes).toEqual({
      specversion: '1.0',
      id: '019a8f3e-1111-7aaa-8bbb-0123456789ab',
      source: '/shop/User',
      type: 'User.UserCreated',
      subject: '42',
      time: '2026-01-02T03:04:05.678Z',
      datacontenttype: 'application/json',
      recordedtime: '2026-01-02T03:04:05.680Z',
      sequence: '0000000000001234',
      streamversion: '3',
      schemaversion: '2',
      correlationid: '019a8f3e-0000-7aaa-8bbb-ba9876543210',
      causationid: '%C3%A4',
      commandid: 'key%201',
      origin: 'user-service',
      userid: 'anna',
      traceparent: '00-019a8f3e00007aaa8bbbba9876543210-8bbb0123456789ab-01',
    });
    expect(data.toString()).toBe('{"email":"a@example.com"}');
    expect(JSON.parse(toStructured(example, 'shop'))).toEqual({ ...attributes, data: example.data });
  });

  it('is told from whatever else is on the broker', () => {
    const { attributes, data } = toCloudEvent(example, 'shop');
    const strangers: Record<string, string | undefined>[] = [{}, { ...attributes, type: 'Order.UserCreated' }];
    for (const missing of Object.keys(attributes)) {
      if (!['specversion', 'datacontenttype', 'userid', 'traceparent'].includes(missing)) {
        strangers.push({ ...attributes, [missing]: undefined });
      }
    }
    for (const odd of ['streamversion', 'sequence', 'schemaversion']) {
      for (const value of ['', '0', '-1', '1.5', 'x', '9'.repeat(17)]) strangers.push({ ...attributes, [odd]: value });
    }
    strangers.push({ ...attributes, subject: '%' }, { ...attributes, source: '%' });
    for (const stranger of strangers) expect(fromCloudEvent(stranger, data)).toBeUndefined();
    for (const text of ['', '{', 'null', '7', '{}', '{"id":"1","data":1}', JSON.stringify(attributes)]) {
      expect(fromStructured(text)).toBeUndefined();
    }
    for (const garbage of ['', '{', '\xff']) {
      expect(fromCloudEvent(attributes, Buffer.from(garbage, 'latin1'))).toBeUndefined();
    }
  });
});
