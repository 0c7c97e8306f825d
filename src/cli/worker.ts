import { Command } from 'commander';
import { openApplication } from './application.ts';
import { subscriptionsOption } from './arguments.ts';
import { run } from './run.ts';

export const workerCommand = () =>
  new Command('worker')
    .description('work without a command API: relay, read models, notifications; serves health and metrics')
    .addOption(subscriptionsOption())
    .action(async (_options, command: Command) => {
      const { processor, probes, config } = await openApplication(command, { patient: true });
      const url = await run(processor, probes, config.http);
      console.log(`The worker's health and metrics are on ${url}/health and ${url}/metrics.`);
    });
