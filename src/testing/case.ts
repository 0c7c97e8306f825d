/** One conformance case: data, run by whatever test runner there is. */
export interface Case<Context, Feature extends string> {
  /** A sentence of behaviour. */
  readonly name: string;
  /** What the adapter must be able to do; without it the case is skipped, with the reason. */
  readonly needs?: readonly Feature[];
  /** Costs seconds: run in plain form only. */
  readonly large?: true;
  /** Needs its place for itself; the copies of any other case share one in stress form. */
  readonly alone?: true;
  /** Rejects when the adapter breaks the promise. */
  run(context: Context): Promise<void>;
}

/** The cases of one port. */
export interface Suite<Context, Feature extends string> {
  readonly name: string;
  readonly cases: readonly Case<Context, Feature>[];
}

/** What a suite is run against: an adapter, as the suite sees it. */
export interface Subject<Context, Feature extends string> {
  readonly name: string;
  readonly features: readonly Feature[];
  /** Makes an empty place: a database, a schema, a directory, a broker's namespace. */
  place(): Promise<Place<Context>>;
}

/** Where a case happens. */
export interface Place<Context> {
  /** A context of its own for each copy of a case. */
  context(): Context;
  /** Closes and removes everything. */
  dispose(): Promise<void>;
}

/** `plain`: each case once. `stress`: ten copies of each case side by side, all of which must hold. */
export type Form = 'plain' | 'stress';

/** A case with its subject, ready to run. */
export interface PlannedCase {
  readonly name: string;
  readonly large: boolean;
  /** Why it isn't run. */
  readonly skip?: string;
  run(): Promise<void>;
}

/** How many copies the stress form runs side by side. */
export const stressCopies = 10;

/** What to run for this subject, in order; a case that the subject can't meet names its reason. */
export function plan<Context, Feature extends string>(
  suite: Suite<Context, Feature>,
  subject: Subject<Context, Feature>,
  form: Form,
): readonly PlannedCase[] {
  const cases = form === 'plain' ? suite.cases : suite.cases.filter((one) => !one.large);
  return cases.map((one) => {
    const missing = (one.needs ?? []).filter((feature) => !subject.features.includes(feature));
    return {
      name: one.name,
      large: one.large ?? false,
      ...(missing.length > 0 && { skip: `${subject.name} is not ${missing.join(', ')}` }),
      run: () => (form === 'plain' ? runOnce(one, subject) : runCopies(one, subject)),
    };
  });
}

async function runCopies<Context, Feature extends string>(
  one: Case<Context, Feature>,
  subject: Subject<Context, Feature>,
): Promise<void> {
  if (one.alone) {
    await allHold(Array.from({ length: stressCopies }, () => runOnce(one, subject)));
    return;
  }
  const place = await subject.place();
  try {
    await allHold(Array.from({ length: stressCopies }, () => one.run(place.context())));
  } finally {
    await place.dispose();
  }
}

async function runOnce<Context, Feature extends string>(
  one: Case<Context, Feature>,
  subject: Subject<Context, Feature>,
): Promise<void> {
  const place = await subject.place();
  try {
    await one.run(place.context());
  } finally {
    await place.dispose();
  }
}

/** Waits for every copy before it reports the first that failed: none may go on while its place is removed. */
async function allHold(copies: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(copies)) if (result.status === 'rejected') throw result.reason;
}
