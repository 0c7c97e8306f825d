import { createHash } from 'node:crypto';
import { canonicalJson } from '../../src/kernel/codec.ts';
import type { Aggregate } from '../../src/kernel/decider.ts';
import type { CommandRequest, CommandResult } from '../../src/runtime/command.ts';
import type { ProjectionDefinition } from '../../src/runtime/define.ts';
import type { Processor } from '../../src/runtime/processor.ts';
import type { RowsAnswer } from '../../src/runtime/read-model-queries.ts';
import { createWindow } from './window.ts';

/** Real input for one aggregate type: a log whose rows become commands, and the read model that sums it up. */
export interface Workload {
  readonly aggregate: Aggregate;
  /** Its rows have the `id` of their aggregate. */
  readonly projection: ProjectionDefinition;
  /** The totals of the projection that the summary tells. */
  readonly outcomes: readonly string[];
  /** @param number from 1. The command has an id of its own, the same on every run. @throws Error */
  commandOf(row: string, number: number): CommandRequest;
}

/** What one run over the whole log did. */
export interface Pass {
  readonly rows: number;
  readonly accepted: number;
  readonly refused: number;
  readonly refusedByCode: Readonly<Record<string, number>>;
  /** Events that the run added to the log: none the second time. */
  readonly newEvents: number;
  readonly seconds: number;
  readonly rowsPerSecond: number;
}

/** Where a run left everything. */
export interface Outcome {
  readonly outcomes: Readonly<Record<string, number>>;
  /** SHA-256 of every aggregate's state, version and row, in the read model's order. */
  readonly stateHash: string;
}

/** Commands under way at once. Fewer than a mailbox holds, so that none is ever full. */
const inFlight = 256;

/** Sends every row as a command, in order; the mailboxes keep the order of each aggregate.
 * @param onRows told now and then how many rows were answered.
 * @throws the first error of a command: a refusal is none. */
export async function sendAll(
  workload: Workload,
  processor: Processor,
  rows: AsyncIterable<string>,
  onRows: (answered: number) => void = () => {},
): Promise<Pass> {
  const started = performance.now();
  const before = await processor.log.head();
  const refusedByCode: Record<string, number> = {};
  const window = createWindow(inFlight);
  let sent = 0;
  let accepted = 0;

  const settle = (result: CommandResult): void => {
    if (result.status === 'accepted') accepted += 1;
    else refusedByCode[result.code] = (refusedByCode[result.code] ?? 0) + 1;
  };
  for await (const row of rows) {
    await window.room();
    sent += 1;
    window.add(processor.send(workload.commandOf(row, sent)).then(settle));
    if (sent % 1_000 === 0) onRows(sent - window.underWay);
  }
  await window.empty();
  onRows(sent);

  const seconds = (performance.now() - started) / 1_000;
  return {
    rows: sent,
    accepted,
    refused: sent - accepted,
    refusedByCode: sorted(refusedByCode),
    newEvents: (await processor.log.head()) - before,
    seconds: round(seconds),
    rowsPerSecond: Math.round(sent / seconds),
  };
}

/** Waits for the read model, then reads everything once. */
export async function outcomeOf({ aggregate, projection, outcomes }: Workload, processor: Processor): Promise<Outcome> {
  const head = await processor.log.head();
  const totals = (await processor.query(`${projection.name}.totals`, {}, { waitFor: head })) as Record<string, number>;
  const hash = createHash('sha256');
  let cursor: string | undefined;
  do {
    const input = { limit: 1_000, ...(cursor === undefined ? {} : { cursor }) };
    const page = (await processor.query(`${projection.name}.page`, input)) as RowsAnswer;
    for (const row of page.rows) {
      const view = await processor.read({ type: aggregate.name, id: (row as { readonly id: string }).id });
      if (view === undefined) throw new Error(`A row without an aggregate: ${JSON.stringify(row)}`);
      const { state, context, version } = view;
      hash.update(`${canonicalJson([row, { state, context, version }])}\n`);
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return {
    outcomes: Object.fromEntries(outcomes.map((name) => [name, totals[name] ?? 0])),
    stateHash: hash.digest('hex'),
  };
}

const round = (seconds: number) => Math.round(seconds * 100) / 100;

const sorted = (counts: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(counts).sort(([, one], [, other]) => other - one));
