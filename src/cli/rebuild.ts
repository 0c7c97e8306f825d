import { Command } from 'commander';
import { withProcessor } from './application.ts';
import { progressBar } from './progress.ts';

export const rebuildCommand = () =>
  new Command('rebuild')
    .description('rebuild a read model from the log; the old one answers until it is swapped')
    .argument('<projection>', 'such as users')
    .action(async (name: string, _options, command: Command) => {
      const bar = progressBar(`rebuild ${name}`);
      await withProcessor(command, async (processor) => {
        // Where no worker runs, this one rebuilds.
        await processor.start();
        try {
          await processor.projections.rebuild(name, (done, of) => {
            bar.of(of);
            bar.to(done);
          });
        } finally {
          bar.end();
        }
      });
      console.log(`${name} is rebuilt.`);
    });
