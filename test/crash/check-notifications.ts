import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { notificationsFile } from '../../src/adapters/channels/file.ts';
import { notifications } from '../../src/app/notifications.ts';
import { createTokens } from '../../src/app/tokens.ts';
import type { RecordedEvent } from '../../src/kernel/message.ts';
import type { ChannelMessage } from '../../src/ports/channel.ts';

const definitions = notifications({
  frontendUrl: 'http://localhost:3001',
  tokens: createTokens({ secret: 'of no account: nothing here signs.' }),
});

/** What the events must have asked for: the event and the template name each. */
export function asked(log: readonly RecordedEvent[]) {
  return log.flatMap((event) =>
    definitions
      .filter(({ on }) => on === `${event.stream.type}.${event.type}`)
      .flatMap((definition) => definition.requests(event))
      .map((request) => ({ ...request, metadata: { ...request.metadata, eventId: event.id } })),
  );
}

/** Each notification was requested once and delivered; what its channel has of it more than once is the same message. */
export async function checkNotifications(log: readonly RecordedEvent[], dataDir: string): Promise<{ repeats: number }> {
  const sent = Map.groupBy(await linesOf(dataDir), ({ id }) => id);
  const repeats = [...sent.values()].reduce((sum, lines) => sum + lines.length - 1, 0);
  const streams = Map.groupBy(
    log.filter(({ stream }) => stream.type === 'Notification'),
    ({ stream }) => stream.id,
  );
  const wanted = new Map(asked(log).map((request) => [keyOf(request), request]));
  for (const [id, events] of streams) {
    const [requested, ...later] = events;
    assert.equal(requested?.type, 'NotificationRequested', id);
    const request = requested.data as ReturnType<typeof asked>[number];
    assert.deepEqual(request, wanted.get(keyOf(request)), `${id} is not what its event asks for, or is there twice`);
    wanted.delete(keyOf(request));
    const types = later.map(({ type }) => type);
    assert.equal(types.pop(), 'NotificationDelivered', `${id} is not delivered`);
    assert.ok(types.length > 0 && types.every((type) => type === 'DeliveryStarted'), `${id}: ${types}`);

    const lines = sent.get(id) ?? [];
    sent.delete(id);
    assert.ok(lines.length >= 1, `${id} is delivered in the log, and the channel knows nothing of it`);
    assert.ok(lines.length <= types.length, `${id} was started ${types.length} times and sent ${lines.length} times`);
    for (const { kind, to, template, data } of lines) {
      assert.deepEqual(
        { type: kind, to, template },
        { type: request.type, to: request.to, template: request.template },
      );
      const { verificationUrl: _, ...rest } = data;
      assert.deepEqual(rest, request.data);
    }
  }
  assert.deepEqual([...wanted.keys()], [], 'an event’s notification was never requested');
  assert.deepEqual([...sent.keys()], [], 'the channel was given what the log does not know');
  return { repeats };
}

const keyOf = ({ metadata, template }: { readonly metadata: object; readonly template: string }) =>
  `${(metadata as { readonly eventId: string }).eventId} ${template}`;

/** The whole lines of the channel's file; one that a kill left half written is followed by the others all the same. */
async function linesOf(dataDir: string): Promise<readonly ChannelMessage[]> {
  const lines = (await readFile(join(dataDir, notificationsFile), 'utf8')).split('\n');
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as ChannelMessage];
    } catch {
      return [];
    }
  });
}
