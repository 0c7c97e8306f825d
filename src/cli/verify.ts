import { Command } from 'commander';
import type { Aggregate } from '../kernel/decider.ts';
import { asFailure, failure } from '../kernel/errors.ts';
import type { StreamId } from '../kernel/message.ts';
import type { Processor } from '../runtime/processor.ts';
import { withProcessor } from './application.ts';
import { printLine } from './lines.ts';
import { progressBar } from './progress.ts';

export const verifyCommand = () =>
  new Command('verify')
    .description('fold every stream with the machines of today; print what no longer fits, one stream a line, as JSON')
    .action(async (_options, command: Command) => {
      const { streams, events, misfits } = await withProcessor(command, verify);
      console.error(`${events} events in ${streams} streams: ${misfits} streams do not fit.`);
      if (misfits > 0) process.exitCode = 1;
    });

interface Misfit {
  readonly stream: StreamId;
  /** The first event that does not fit. */
  readonly version: number;
  readonly position: number;
  readonly eventType: string;
  readonly code: string;
  readonly because: string;
}

/** Streams are found by their first event and then read whole, so that memory stays small however many there are. */
async function verify({ log, aggregates }: Pick<Processor, 'log' | 'aggregates'>) {
  const bar = progressBar('verify');
  const head = await log.head();
  bar.of(head);
  let streams = 0;
  let misfits = 0;
  try {
    for await (const { position, version, stream } of log.readAll({ to: head })) {
      bar.to(position);
      if (version !== 1) continue;
      streams += 1;
      const misfit = await firstMisfit(log, aggregates.get(stream.type), stream);
      if (misfit === undefined) continue;
      misfits += 1;
      await printLine(misfit);
    }
  } finally {
    bar.end();
  }
  return { streams, events: head, misfits };
}

async function firstMisfit(
  log: Processor['log'],
  aggregate: Aggregate | undefined,
  stream: StreamId,
): Promise<Misfit | undefined> {
  let state = aggregate?.initial;
  for await (const event of log.readStream(stream)) {
    try {
      if (aggregate === undefined || state === undefined) {
        throw failure('UNKNOWN_AGGREGATE_TYPE', { found: stream.type });
      }
      const today = aggregate.upcast(event);
      aggregate.encodeEvent(today.type, today.data);
      state = aggregate.evolve(state, today);
    } catch (error) {
      const { code, message } = asFailure(error, 'EVENT_NOT_FOLDABLE');
      const { version, position, type } = event;
      return { stream, version, position, eventType: type, code, because: message };
    }
  }
}
