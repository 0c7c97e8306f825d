import type { Clock } from '../../../kernel/clock.ts';
import { failure } from '../../../kernel/errors.ts';
import type { StreamId } from '../../../kernel/message.ts';
import type { AppendEntry, AppendOutcome, EventStore } from '../../../ports/event-store.ts';
import { checkEntries } from '../entries.ts';
import { type AppendReply, appendScript } from './append-script.ts';
import { forgetCommands } from './commands.ts';
import type { Argument, Connection } from './connection.ts';
import { redisReading } from './event-reading.ts';
import { decodeCommand, decodeHead, encodeCommand, encodeEvent, maxAppendBytes } from './event-records.ts';
import { commandField, type Keys, streamOf, streamText } from './keys.ts';
import type { LostTail } from './lost-tail.ts';
import { createNumbers } from './numbers.ts';
import { archiveStream } from './packs.ts';
import type { Wakes } from './wakes.ts';

/** The log. One script an append: the server does it whole, with nothing between, or not at all. */
export function redisEvents(
  connection: Connection,
  keys: Keys,
  { clock, wakes, lostTail }: { readonly clock: Clock; readonly wakes: Wakes; readonly lostTail: LostTail },
): EventStore {
  const reading = redisReading(connection, keys, lostTail);

  return {
    async append(entries) {
      connection.assertOpen();
      checkEntries(entries);
      if (entries.length === 0) return [];
      const { names, args } = encodeBatch(entries, keys);
      const nowMs = clock.now();
      const stamp = [nowMs, new Date(nowMs).toISOString()];
      type Reply = [recordedAt: string, head: number, replies: AppendReply[]];
      const [recordedAt, head, replies] = await connection.run<Reply>(appendScript, names, [...stamp, ...args]);
      const outcomes = replies.map((reply) => outcomeOf(reply, recordedAt));
      const last = entries.findLast(({ events }, at) => events.length > 0 && outcomes[at]?.kind === 'committed');
      const event = last?.events.at(-1);
      if (event !== undefined) {
        lostTail.saw({ position: head, id: event.id });
        wakes.wake(head);
      }
      return outcomes;
    },

    readStream: reading.readStream,

    readAll: reading.readAll,

    streamHead: async (stream) => decodeHead(await connection.send('HGET', keys.heads, streamText(stream))),

    head: reading.head,

    async claimHolders(wanted) {
      connection.assertOpen();
      const holders = new Map<string, StreamId>();
      if (wanted.length === 0) return holders;
      const found = await connection.send<(string | null)[]>('HMGET', keys.claims, ...wanted);
      for (const [at, claim] of wanted.entries()) {
        const holder = found[at];
        if (typeof holder === 'string') holders.set(claim, streamOf(holder));
      }
      return holders;
    },

    forgetCommandIds: (before) => forgetCommands(connection, keys, before),

    archive: (stream, at) => archiveStream(connection, keys, reading, stream, at),

    watch(wake) {
      connection.assertOpen();
      return wakes.add(wake);
    },
  };
}

/** The keys and arguments of the script. @throws EVENT_TOO_LARGE */
function encodeBatch(entries: readonly AppendEntry[], keys: Keys) {
  const { log, events, heads, commands, commandOrder, claims, appends, types, correlations } = keys;
  const streams = createNumbers();
  const eventTypes = createNumbers();
  const fields = createNumbers();
  const streamKeys: string[] = [];
  const typeKeys: string[] = [];
  const args: Argument[] = [];
  let characters = 0;
  for (const { stream, expected, events: added, command, take = [], release = [] } of entries) {
    const text = streamText(stream);
    const number = streams.of(text);
    streamKeys[number - 1] ??= keys.stream(stream);
    args.push(number);
    if (typeof expected === 'object') args.push(expected.version, expected.eventId);
    else args.push(expected, '');
    args.push(command ? fields.of(commandField(stream, command.id)) : 0, command ? encodeCommand(command) : '');
    args.push(take.length, release.length, added.length, ...take, ...release);
    for (const event of added) {
      const json = encodeEvent(stream, event);
      characters += json.length;
      const type = eventTypes.of(streamText({ type: stream.type, id: event.type }));
      typeKeys[type - 1] ??= keys.type(stream.type, event.type);
      args.push(type, event.meta.correlationId, event.id, json);
    }
    // At least so many bytes; a server that is sent too much ends the connection.
    if (characters > maxAppendBytes) throw tooLarge();
  }
  const named = [log, events, heads, commands, commandOrder, claims, appends, types, correlations];
  const lists = [streams, eventTypes, fields].flatMap(({ names }) => [names.length, ...names]);
  return { names: [...named, ...streamKeys, ...typeKeys], args: [...lists, ...args] };
}

function outcomeOf(reply: AppendReply, recordedAt: string): AppendOutcome {
  switch (reply[0]) {
    case 'duplicate':
      return { kind: 'duplicate', first: decodeCommand(reply[1]) };
    case 'conflict':
      return { kind: 'conflict', actual: reply[1] };
    case 'claimed':
      return { kind: 'claimed', claim: reply[1], by: streamOf(reply[2]) };
    default:
      return { kind: 'committed', version: reply[0], position: reply[1], recordedAt };
  }
}

function tooLarge() {
  return failure('EVENT_TOO_LARGE', {
    expected: `at most ${maxAppendBytes} bytes in one append`,
    found: 'more',
    remedy: 'Append fewer entries at once, or keep large content elsewhere.',
  });
}
