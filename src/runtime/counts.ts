/** What happened to events on their way, as a running total since the process began. */
export interface DeliveryCounts {
  readonly published: number;
  readonly delivered: number;
  readonly failed: number;
  readonly retried: number;
  readonly deadLettered: number;
  readonly inFlight: number;
}

/** Adds up by event type and by subscription at once. */
export interface CountBook {
  /** `subscription` is none for what the relay publishes. */
  add(count: keyof DeliveryCounts, eventType: string, subscription?: string, by?: number): void;
  total(): DeliveryCounts;
  byEventType(): Readonly<Record<string, DeliveryCounts>>;
  bySubscription(): Readonly<Record<string, DeliveryCounts>>;
}

export function createCountBook(): CountBook {
  const total = none();
  const byType = new Map<string, Counting>();
  const byName = new Map<string, Counting>();
  return {
    add(count, eventType, subscription, by = 1) {
      total[count] += by;
      entry(byType, eventType)[count] += by;
      if (subscription !== undefined) entry(byName, subscription)[count] += by;
    },
    total: () => ({ ...total }),
    byEventType: () => copied(byType),
    bySubscription: () => copied(byName),
  };
}

type Counting = { -readonly [Count in keyof DeliveryCounts]: number };

const none = (): Counting => ({ published: 0, delivered: 0, failed: 0, retried: 0, deadLettered: 0, inFlight: 0 });

function entry(book: Map<string, Counting>, key: string): Counting {
  const known = book.get(key);
  if (known !== undefined) return known;
  const fresh = none();
  book.set(key, fresh);
  return fresh;
}

const copied = (book: ReadonlyMap<string, Counting>): Record<string, DeliveryCounts> =>
  Object.fromEntries([...book].map(([key, counts]) => [key, { ...counts }]));
