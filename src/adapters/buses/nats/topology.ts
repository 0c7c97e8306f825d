import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from 'nats';
import { failure } from '../../../kernel/errors.ts';
import type { RecordedEvent } from '../../../kernel/message.ts';

/** A partition, or all of them at once: what one durable consumer of a group fetches. */
export type Slice = number | 'all';

/** The names that a namespace has on the server. */
export interface Topology {
  /** The JetStream stream. */
  readonly stream: string;
  /** Where an event is published: `namespace.events.Type.Event.id`. */
  subject(event: RecordedEvent): string;
  /** What a consumer of a slice fetches: `namespace.events.Type.Event.*.partition`. */
  filters(patterns: readonly string[], slice: Slice): string[];
  /** The partition that a stored event's subject ends with. */
  partition(subject: string): number;
  /** Where the consumers of a group tell each other of themselves. */
  presence(group: string): string;
  /** The durable consumer of an epoch of a slice of a group. */
  consumer(group: string, slice: Slice, epoch: number): string;
  /** The slice and epoch in the name of a durable consumer, when it is one of the group. */
  parseConsumer(group: string, name: string): { readonly slice: Slice; readonly epoch: number } | undefined;
}

/** @throws INVALID_CONFIGURATION for a namespace that can't begin the name of a stream */
export function createTopology(namespace: string): Topology {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(namespace))
    throw failure('INVALID_CONFIGURATION', {
      expected: 'a namespace of 1…64 letters, digits, _ and -',
      found: JSON.stringify(namespace),
    });
  return {
    stream: `${namespace}_events`,
    subject: ({ stream, type }) => `${namespace}.events.${token(stream.type)}.${token(type)}.${token(stream.id)}`,
    filters: (patterns, slice) =>
      withoutContained(patterns.map(tokens)).map(
        ([type, event]) => `${namespace}.events.${type}.${event}.*.${slice === 'all' ? '*' : slice}`,
      ),
    partition: (subject) => Number(subject.slice(subject.lastIndexOf('.') + 1)),
    presence: (group) => `${namespace}.groups.${token(group)}`,
    consumer: (group, slice, epoch) => `${token(group)}_${slice}_${epoch}`,
    parseConsumer(group, name) {
      const begin = `${token(group)}_`;
      if (!name.startsWith(begin)) return undefined;
      const [, slice, epoch] = /^(all|\d+)_(\d+)$/.exec(name.slice(begin.length)) ?? [];
      return slice === undefined ? undefined : { slice: slice === 'all' ? slice : Number(slice), epoch: Number(epoch) };
    },
  };
}

/**
 * Holds what the slowest group has not handled; `trimmer.ts` removes what it has. The server itself adds the aggregate's partition to the subject of what it stores; whoever listens without JetStream sees it as it
 * was published.
 */
export function streamConfig(
  namespace: string,
  { stream }: Topology,
  { partitions, replicas, forgetAfterMs }: { partitions: number; replicas: number; forgetAfterMs: number },
): Partial<StreamConfig> {
  const published = `${namespace}.events.*.*.*`;
  return {
    name: stream,
    description: 'Events of Statewright on their way to its subscriptions.',
    subjects: [published],
    subject_transform: {
      src: published,
      dest: `${namespace}.events.{{wildcard(1)}}.{{wildcard(2)}}.{{wildcard(3)}}.{{partition(${partitions},1,3)}}`,
    },
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    storage: StorageType.File,
    num_replicas: replicas,
    // What only a forgotten consumer still holds goes at last.
    max_age: forgetAfterMs * 1e6,
    duplicate_window: Math.min(120_000, forgetAfterMs) * 1e6,
    metadata: { [partitionsKey]: String(partitions) },
  };
}

/** Into how many partitions a stream of ours is divided; undefined when it is not ours. */
export function partitionsOf({ metadata }: Pick<StreamConfig, 'metadata'>): number | undefined {
  const partitions = Number(metadata?.[partitionsKey]);
  return Number.isSafeInteger(partitions) && partitions > 0 ? partitions : undefined;
}

const partitionsKey = 'statewright.partitions';

/** As one token of a subject or a name: what would end or widen it is percent-encoded. */
function token(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[.*!'()~]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function tokens(pattern: string): readonly [type: string, event: string] {
  const dot = pattern.indexOf('.');
  const part = (text: string) => (text === '*' ? text : token(text));
  return [part(pattern.slice(0, dot)), part(pattern.slice(dot + 1))];
}

/** The server refuses filters of which one is part of another. */
function withoutContained<Pair extends readonly [string, string]>(pairs: readonly Pair[]): readonly Pair[] {
  const covers = (wide: Pair, narrow: Pair) =>
    (wide[0] === '*' || wide[0] === narrow[0]) && (wide[1] === '*' || wide[1] === narrow[1]);
  return pairs.filter(
    (pair, at) =>
      !pairs.some((other, place) => place !== at && covers(other, pair) && (place < at || !covers(pair, other))),
  );
}
