import { failure } from '../kernel/errors.ts';
import type { RecordedEvent, StreamId } from '../kernel/message.ts';
import type { Cursor, Parked } from '../ports/coordination.ts';
import type { RuntimeContext } from './context.ts';
import type { Subscriptions } from './subscriptions.ts';

/** A parked stream: its event could not be handled, the later ones wait. */
export interface DeadLetter {
  readonly id: string;
  readonly subscription: string;
  readonly stream: StreamId;
  readonly version: number;
  readonly eventId: string;
  readonly eventType: string;
  readonly position: number;
  readonly code: string;
  readonly cause: string;
  readonly attempts: number;
  readonly parkedAt: string;
}

/** What operators do with dead letters. */
export interface DeadLetters {
  /** By page, in the order of their ids. */
  list(page: {
    readonly subscription?: string;
    readonly after?: string;
    readonly limit: number;
  }): Promise<readonly DeadLetter[]>;
  /** With the event itself. @throws NOT_FOUND */
  get(id: string): Promise<DeadLetter & { readonly event: RecordedEvent }>;
  /** Unparks the stream; its events are handled again, in order. @throws NOT_FOUND */
  redrive(id: string): Promise<void>;
  /** Redrives all of a subscription, or of all. Returns how many. */
  redriveAll(subscription?: string): Promise<number>;
  /** Steps over that one event and goes on with the next. @throws NOT_FOUND */
  discard(id: string): Promise<void>;
}

/** @param subscriptions those of this worker; a dead letter of one that it does not know is redriven by whoever does. */
export function createDeadLetters(
  context: RuntimeContext,
  subscriptions: Pick<Subscriptions, 'find' | 'nudge'>,
): DeadLetters {
  const { cursors, events } = context.store;

  async function parked(id: string): Promise<ParkedCursor> {
    const cursor = await cursors.findParked(id);
    if (cursor !== undefined && isParked(cursor)) return cursor;
    throw notFound(id);
  }

  /** Moves on only from what was seen. @throws NOT_FOUND when another operator was faster. */
  async function unpark(cursor: ParkedCursor, version: number): Promise<void> {
    const [result] = await cursors.advance([{ from: cursor, version, state: { kind: 'redriving' } }]);
    subscriptions.nudge(cursor.subscription);
    if (result?.moved !== true) throw notFound(cursor.state.id);
  }

  async function eventOf(letter: DeadLetter): Promise<RecordedEvent> {
    for await (const event of events.readStream(letter.stream, { from: letter.version, to: letter.version }))
      return event;
    throw failure('NOT_FOUND', {
      expected: `version ${letter.version} of ${letter.stream.type} ${letter.stream.id}`,
      found: 'a log without it',
    });
  }

  return {
    async list(page) {
      return (await cursors.parked(page)).filter(isParked).map(letterOf);
    },
    async get(id) {
      const letter = letterOf(await parked(id));
      return { ...letter, event: await eventOf(letter) };
    },
    async redrive(id) {
      const cursor = await parked(id);
      await unpark(cursor, cursor.version);
    },
    async redriveAll(subscription) {
      let redriven = 0;
      let after = '';
      for (;;) {
        const page = await cursors.parked({ ...(subscription && { subscription }), after, limit: pageSize });
        const changes = page.map((from) => ({ from, version: from.version, state: { kind: 'redriving' } as const }));
        const results = page.length === 0 ? [] : await cursors.advance(changes);
        redriven += results.filter(({ moved }) => moved).length;
        for (const name of new Set(page.map((cursor) => cursor.subscription))) subscriptions.nudge(name);
        const last = page.at(-1);
        if (last === undefined || !isParked(last)) return redriven;
        after = last.state.id;
      }
    },
    async discard(id) {
      const cursor = await parked(id);
      const letter = letterOf(cursor);
      // Before the step: after it nobody would know that the subscription was not told.
      const discarded = subscriptions.find(letter.subscription)?.discarded;
      if (discarded !== undefined) await discarded(await eventOf(letter), letter);
      await unpark(cursor, cursor.version + 1);
    },
  };
}

const notFound = (id: string) => failure('NOT_FOUND', { expected: 'the id of a dead letter', found: id });

type ParkedCursor = Cursor & { readonly state: Parked };

const pageSize = 500;

const isParked = (cursor: Cursor): cursor is ParkedCursor => cursor.state.kind === 'parked';

function letterOf({ subscription, stream, version, state }: ParkedCursor): DeadLetter {
  const { kind: _, ...parked } = state;
  return { subscription, stream, version: version + 1, ...parked };
}
