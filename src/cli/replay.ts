import { Command, Option } from 'commander';
import { failure } from '../kernel/errors.ts';
import type { ReplayFrom } from '../runtime/replay.ts';
import { withProcessor } from './application.ts';
import { time, whole } from './arguments.ts';
import { progressBar } from './progress.ts';

interface Options {
  readonly position?: number;
  readonly time?: string;
  readonly aggregate?: readonly [type: string, id: string];
  readonly version: number;
}

export const replayCommand = () =>
  new Command('replay')
    .description('handle recorded events once more in a grouped subscription')
    .argument('<subscription>', 'such as notifications')
    .addOption(
      new Option('--position <number>', 'from this position on').argParser(whole(1)).conflicts(['time', 'aggregate']),
    )
    .addOption(new Option('--time <time>', 'from this time on (ISO 8601)').argParser(time).conflicts('aggregate'))
    .option('--aggregate <type-and-id...>', 'of one aggregate alone: its type and its id')
    .option('--version <number>', 'with --aggregate: from this version on', whole(1), 1)
    .action(async (subscription: string, options: Options, command: Command) => {
      const bar = progressBar(`replay ${subscription}`);
      const { handled, state, error } = await withProcessor(command, async ({ replays }) => {
        const { id, until } = await replays.start({ subscription, from: beginning(options) });
        bar.of(until);
        try {
          return await replays.finished(id, ({ position }) => bar.to(position));
        } finally {
          bar.end();
        }
      });
      if (state === 'failed') throw failure('HANDLER_FAILED', { found: `${error}, after ${handled} events` });
      console.log(`${handled} events were handled.`);
    });

function beginning({ position, time: since, aggregate, version }: Options): ReplayFrom {
  if (position !== undefined) return { position };
  if (since !== undefined) return { time: since };
  const [type, id, ...more] = aggregate ?? [];
  if (type !== undefined && id !== undefined && more.length === 0) return { stream: { type, id }, version };
  throw failure('MALFORMED_REQUEST', { expected: '--position, --time, or --aggregate with a type and an id' });
}
