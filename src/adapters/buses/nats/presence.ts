import type { NatsConnection } from 'nats';
import type { Clock } from '../../../kernel/clock.ts';

/** Another consumer of the group, in this process or another. */
export interface Member {
  readonly id: string;
  /** What it has, those included that it is about to give up. */
  readonly partitions: readonly number[];
}

/** Who is in a group: each of its consumers says so every second, on a subject that all of them hear. */
export interface Presence {
  /** Those that were heard lately. */
  others(): readonly Member[];
  /** True when this one left, or was not heard for so long that it has stopped handling by its own clock. */
  isGone(id: string): boolean;
  /** True when the server lately brought our own word back: nobody can have taken us for gone. */
  isHeard(): boolean;
  announce(partitions: readonly number[]): void;
  /** The connection was lost and is back: nobody could be heard meanwhile. */
  reconnected(): void;
  /** Says farewell. */
  leave(): void;
}

export interface PresenceOptions {
  readonly connection: NatsConnection;
  readonly clock: Clock;
  readonly subject: string;
  readonly id: string;
  /** Called when somebody came, went or has other partitions; and every second. */
  readonly onNews: () => void;
}

const announceEveryMs = 1_000;
/** Whoever was not heard for so long begins no handler any more … */
const silentAfterMs = 4_000;
/** … and is taken for gone by the others later. */
const goneAfterMs = 5_500;

/** Listens at once: whatever is asked of the server afterwards is answered after it knows that we do. */
export function createPresence({ connection, clock, subject, id, onNews }: PresenceOptions): Presence {
  const heard = new Map<string, { member: Member; atMs: number }>();
  const left = new Set<string>();
  let partitions: readonly number[] = [];
  let ended = false;
  let listeningSinceMs = clock.monotonicMs();
  let heardSelfAtMs = listeningSinceMs;
  const subscription = connection.subscribe(subject, {
    callback: (error, message) => {
      if (error === null) hear(message.data);
    },
  });
  let timer = clock.setTimeout(beat, announceEveryMs);
  say(false);

  function beat(): void {
    timer = clock.setTimeout(beat, announceEveryMs);
    for (const [other, { atMs }] of heard) if (clock.monotonicMs() - atMs > goneAfterMs) heard.delete(other);
    say(false);
    onNews();
  }

  function say(farewell: boolean): void {
    // What waits for a connection would be old news when it arrives; and a closed one throws.
    if (connection.isClosed()) return;
    connection.publish(subject, JSON.stringify({ id, partitions, left: farewell } satisfies Word));
  }

  function hear(data: Uint8Array): void {
    const word = parseWord(data);
    if (word === undefined || ended) return;
    if (word.id === id) {
      heardSelfAtMs = clock.monotonicMs();
      return;
    }
    const before = heard.get(word.id);
    if (word.left) {
      heard.delete(word.id);
      left.add(word.id);
    } else heard.set(word.id, { member: word, atMs: clock.monotonicMs() });
    if (before === undefined && !word.left) say(false);
    if (word.left || before?.member.partitions.join() !== word.partitions.join()) onNews();
  }

  return {
    others: () =>
      heard
        .values()
        .map(({ member }) => member)
        .toArray(),
    isGone: (other) =>
      left.has(other) || clock.monotonicMs() - (heard.get(other)?.atMs ?? listeningSinceMs) > goneAfterMs,
    isHeard: () => clock.monotonicMs() - heardSelfAtMs < silentAfterMs,
    announce(now) {
      partitions = now;
      say(false);
    },
    reconnected() {
      listeningSinceMs = clock.monotonicMs();
      for (const one of heard.values()) one.atMs = listeningSinceMs;
      say(false);
    },
    leave() {
      if (ended) return;
      ended = true;
      clock.clearTimeout(timer);
      say(true);
      subscription.unsubscribe();
    },
  };
}

interface Word extends Member {
  readonly left: boolean;
}

/** Anybody may publish there. */
function parseWord(data: Uint8Array): Word | undefined {
  try {
    const { id, partitions, left } = JSON.parse(Buffer.from(data).toString()) as Partial<Word>;
    if (typeof id !== 'string' || !Array.isArray(partitions)) return undefined;
    return { id, partitions: partitions.map(Number), left: left === true };
  } catch {
    return undefined;
  }
}
