import { describe, test } from 'vitest';
import { type Form, plan, type Subject, type Suite } from '../../src/testing/case.ts';

/** Instead of a subject, when its server can't be reached: skipped by name on a laptop, a failure in CI. */
export interface Unreachable {
  readonly name: string;
  /** Such as `no answer at 127.0.0.1:5432`. */
  readonly unreachable: string;
}

const forms: readonly Form[] = ['plain', 'stress'];
const largeTimeoutMs = 300_000;
const timeoutMs = 60_000;

export interface SuiteOptions {
  /** Why the stress form and the large cases are not run: of a server that would take hours, see docs/adapters.md. */
  readonly slow?: string;
}

/** Turns every case into a test, in both forms. */
export function runSuite<Context, Feature extends string>(
  suite: Suite<Context, Feature>,
  subject: Subject<Context, Feature> | Unreachable,
  { slow }: SuiteOptions = {},
): void {
  describe(`${subject.name}: ${suite.name}`, () => {
    if ('unreachable' in subject) return reportUnreachable(subject);
    for (const form of forms) {
      const planned = plan(suite, subject, form);
      if (planned.length === 0) continue;
      describe(form, () => {
        for (const one of planned) {
          const timeout = one.large || form === 'stress' ? largeTimeoutMs : timeoutMs;
          const skip = one.skip ?? (one.large || form === 'stress' ? slow : undefined);
          if (skip === undefined) test(one.name, { timeout }, one.run);
          else test.skip(`${one.name} (${skip})`, () => {});
        }
      });
    }
  });
}

function reportUnreachable({ name, unreachable }: Unreachable): void {
  if (process.env.CI) {
    test(`${name} is reachable`, () => {
      throw new Error(`In CI every server must be reachable: ${unreachable}.`);
    });
  } else test.skip(`not run: ${unreachable}`, () => {});
}
