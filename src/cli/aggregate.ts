import { Command, Option } from 'commander';
import { failure } from '../kernel/errors.ts';
import { withProcessor } from './application.ts';
import { time, whole } from './arguments.ts';

interface Options {
  readonly at?: string;
  readonly version?: number;
}

export const aggregateCommand = () =>
  new Command('aggregate')
    .description('show an aggregate as it is, or as it was')
    .argument('<type>', 'such as User')
    .argument('<id>')
    .addOption(new Option('--at <time>', 'as it was at this time (ISO 8601)').argParser(time).conflicts('version'))
    .addOption(new Option('--version <number>', 'as it was at this version').argParser(whole(1)))
    .action(async (type: string, id: string, { at, version }: Options, command: Command) => {
      const moment = at !== undefined ? { time: at } : version !== undefined ? { version } : undefined;
      const view = await withProcessor(command, (processor) => processor.read({ type, id }, moment));
      if (view === undefined)
        throw failure('NOT_FOUND', { found: `no ${type} ${id}${moment === undefined ? '' : ' by then'}` });
      console.log(JSON.stringify(view, null, 2));
    });
