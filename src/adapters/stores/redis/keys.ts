import type { StreamId } from '../../../kernel/message.ts';

/** The names of everything the store keeps, each with what is there. */
export interface Keys {
  /** Text: the layout's version. */
  readonly format: string;
  /** Hash: where the log stands: `position`, `eventId`, `recordedAt`, `recordedAtMs`, `revision`, `forgotten`. */
  readonly log: string;
  /** Hash: position → event as JSON; without data and metadata when these are packed. */
  readonly events: string;
  /** Hash: stream → version and id of its last event. */
  readonly heads: string;
  /** Hash: stream and command id → record as JSON. */
  readonly commands: string;
  /** List: the fields of `commands` in the order of recording. */
  readonly commandOrder: string;
  /** Hash: claim → stream. */
  readonly claims: string;
  /** Stream of one entry: the last append that had events, for who waits for the next. */
  readonly appends: string;
  /** Set: the types of events, each with its stream's type. */
  readonly types: string;
  /** Sorted set, by text: correlation id and position of each event. */
  readonly correlations: string;
  /** Hash: stream → last version that is packed. */
  readonly packed: string;
  /** Hash: name → checkpoint as JSON. */
  readonly checkpoints: string;
  /** Set: the names of subscriptions that have cursors. */
  readonly subscriptions: string;
  /** Sorted set, by text: the ids of all dead letters. */
  readonly parked: string;
  /** Hash: id of a dead letter → its cursor as JSON. */
  readonly deadLetters: string;
  /** Hash: subscription → how many of its cursors are parked. */
  readonly parkedCounts: string;
  /** Text: the last number given to a generation. */
  readonly generations: string;
  /** Set: numbers of generations whose rows may still be there. */
  readonly dropped: string;
  /** List: the positions of its events, by version. */
  stream(stream: StreamId): string;
  /** List: the positions of the events of the type. */
  type(streamType: string, type: string): string;
  /** Hash: first version → the events of the stream from there, packed. */
  packs(stream: StreamId): string;
  /** Hash: machine hash, and machine hash with `previous` → version and snapshot as JSON. */
  snapshots(stream: StreamId): string;
  /** Hash: `token`, `beat`, `holder`. */
  lease(name: string): string;
  /** Hash: stream → revision and cursor as JSON. */
  cursors(subscription: string): string;
  /** Hash: stream → id of its dead letter. */
  letters(subscription: string): string;
  /** Sorted set, by text: the ids of its dead letters. */
  parkedOf(subscription: string): string;
  /** Set: streams to be read after a redrive. */
  redriving(subscription: string): string;
  /** Hash: number, hash and checkpoint of the generations `live` and `building`. */
  readModel(name: string): string;
  generation(number: number): GenerationKeys;
}

/** What one generation of a read model consists of. */
export interface GenerationKeys {
  /** Hash: row id → row as JSON, behind what the indexes hold of it. */
  readonly rows: string;
  /** Hash: row id → what is searched. */
  readonly search: string;
  /** Sorted set, by text: the rows' places. */
  readonly places: string;
  /** Sorted set, by text: name and value of an index, then the row's place. */
  readonly index: string;
  /** Sorted set, by text: the places of the rows that are faulty. */
  readonly faulty: string;
  /** Hash: name → sum. */
  readonly totals: string;
}

/** A stream as one text. Neither part of a stream that is stored has U+0000, so no two are the same. */
export const streamText = ({ type, id }: StreamId): string => `${type}\0${id}`;

/** A command's field: its id is known within its stream. */
export const commandField = (stream: StreamId, id: string): string => `${streamText(stream)}\0${id}`;

export function streamOf(text: string): StreamId {
  const end = text.indexOf('\0');
  return { type: text.slice(0, end), id: text.slice(end + 1) };
}

/** All names begin with the namespace in braces: a Redis Cluster keeps them together on one node. */
export function redisKeys(namespace: string): Keys {
  const key = (...parts: readonly string[]) => `{${namespace}}:${parts.join(':')}`;
  return {
    format: key('format'),
    log: key('log'),
    events: key('events'),
    heads: key('heads'),
    commands: key('commands'),
    commandOrder: key('command-order'),
    claims: key('claims'),
    appends: key('appends'),
    types: key('types'),
    correlations: key('correlations'),
    packed: key('packed'),
    checkpoints: key('checkpoints'),
    subscriptions: key('subscriptions'),
    parked: key('parked'),
    deadLetters: key('dead-letters'),
    parkedCounts: key('parked-counts'),
    generations: key('generations'),
    dropped: key('dropped'),
    stream: (stream) => key('stream', streamText(stream)),
    type: (streamType, type) => key('type', streamText({ type: streamType, id: type })),
    packs: (stream) => key('packs', streamText(stream)),
    snapshots: (stream) => key('snapshots', streamText(stream)),
    lease: (name) => key('lease', name),
    cursors: (subscription) => key('cursors', subscription),
    letters: (subscription) => key('letters', subscription),
    parkedOf: (subscription) => key('parked-of', subscription),
    redriving: (subscription) => key('redriving', subscription),
    readModel: (name) => key('read-model', name),
    generation: (number) => {
      const part = (name: string) => key('generation', String(number), name);
      return {
        rows: part('rows'),
        search: part('search'),
        places: part('places'),
        index: part('index'),
        faulty: part('faulty'),
        totals: part('totals'),
      };
    },
  };
}
