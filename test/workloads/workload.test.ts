import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openBus, openStore } from '../../src/adapters/registry.ts';
import { createProcessor, type Processor } from '../../src/runtime/processor.ts';
import { loanApplicationWorkload as workload } from './loan-application.ts';
import { loanLog } from './loan-log.ts';
import { linesOf } from './log-file.ts';
import { outcomeOf, sendAll } from './workload.ts';

const rows = () => linesOf(loanLog, 6_000);

describe.skipIf(!existsSync(loanLog))(`a workload from ${loanLog}`, () => {
  it('leaves the same state to the byte each time, and a second run over it changes nothing', async () => {
    const [first, second] = [await started(), await started()];
    const pass = await sendAll(workload, first, rows());
    await sendAll(workload, second, rows());
    const outcome = await outcomeOf(workload, first);
    expect(await outcomeOf(workload, second)).toEqual(outcome);

    const again = await sendAll(workload, first, rows());
    expect(again).toMatchObject({ accepted: pass.accepted, refusedByCode: pass.refusedByCode, newEvents: 0 });
    expect(await outcomeOf(workload, first)).toEqual(outcome);
    await Promise.all([first.drain(), second.drain()]);
  });

  it('hashes what differs to something else', async () => {
    const [first, second] = [await started(), await started()];
    await sendAll(workload, first, rows());
    await sendAll(workload, second, linesOf(loanLog, 5_999));
    expect((await outcomeOf(workload, first)).stateHash).not.toBe((await outcomeOf(workload, second)).stateHash);
    await Promise.all([first.drain(), second.drain()]);
  });
});

async function started(): Promise<Processor> {
  const processor = createProcessor({
    store: await openStore({ provider: 'memory' }),
    bus: await openBus({ provider: 'memory' }),
    aggregates: [workload.aggregate],
    projections: [workload.projection],
    settings: { waitForMs: 20_000 },
  });
  await processor.start();
  return processor;
}
