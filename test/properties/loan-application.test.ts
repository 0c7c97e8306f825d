import fc from 'fast-check';
import { describe, it } from 'vitest';
import { aggregateLaws } from '../../src/testing/property-kit.ts';
import { loanApplication } from '../workloads/loan-application.machine.ts';

describe(loanApplication.name, () => {
  // A dozen steps lead to a loan: commands that end the way early are rare, so that paths get there.
  const weights = {
    ...Object.fromEntries(Object.keys(loanApplication.schemas.commands).map((type) => [type, 10])),
    DeclineApplication: 2,
    CancelApplication: 2,
    DeclineOffer: 4,
    AcceptOffer: 6,
    CancelOffer: 8,
    SelectOffer: 15,
    ScheduleWork: 30,
    StartWork: 30,
  };
  const laws = (runs: number) => aggregateLaws(fc, loanApplication, { weights, runs, maxCommands: 300, seed: 2 });
  const coverage = 'reaches every state and every transition';

  for (const law of laws(100)) if (law.name !== coverage) it(law.name, law.run);
  // Rare ways take many paths; the seed keeps them the same.
  for (const law of laws(1_000)) if (law.name === coverage) it(law.name, law.run);
});
