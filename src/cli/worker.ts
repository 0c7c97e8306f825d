import { Command } from 'commander';
import { openApplication } from './application.ts';
import { exitWith } from './exit.ts';
import { start } from './serve.ts';
import { drainOnSignal } from './shutdown.ts';

export const workerCommand = () =>
  new Command('worker')
    .description('work without a command API: relay, read models, notifications; serves health and metrics')
    .action(async (_options, command: Command) => {
      const { processor, probes, config } = await openApplication(command);
      drainOnSignal(() => processor.drain(), exitWith);
      const url = await start(() => processor.start(), probes, config.http).catch(async (error) => {
        await processor.drain().catch(() => {});
        throw error;
      });
      console.log(`The worker's health and metrics are on ${url}/health and ${url}/metrics.`);
    });
