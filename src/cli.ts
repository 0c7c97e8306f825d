import { Command } from 'commander';
import { aggregateCommand } from './cli/aggregate.ts';
import { deadLettersCommand } from './cli/dead-letters.ts';
import { diagramCommand } from './cli/diagram.ts';
import { eventsCommand } from './cli/events.ts';
import { exitWith } from './cli/exit.ts';
import { exportCommand } from './cli/export.ts';
import { importCommand } from './cli/import.ts';
import { rebuildCommand } from './cli/rebuild.ts';
import { replayCommand } from './cli/replay.ts';
import { serveCommand } from './cli/serve.ts';
import { verifyCommand } from './cli/verify.ts';
import { version } from './cli/version.ts';
import { workerCommand } from './cli/worker.ts';

const program = new Command('statewright')
  .description('An actor-model event processor: aggregates are statecharts with a durable history.')
  .version(version)
  // So that a command may have a --version of its own.
  .enablePositionalOptions()
  .option('--app <module>', 'your own application: a module that exports createApplication(settings)')
  .showHelpAfterError()
  .exitOverride();

for (const command of [
  serveCommand(),
  workerCommand(),
  aggregateCommand(),
  eventsCommand(),
  replayCommand(),
  rebuildCommand(),
  deadLettersCommand(),
  diagramCommand(),
  verifyCommand(),
  exportCommand(),
  importCommand(),
]) {
  program.addCommand(command.copyInheritedSettings(program));
}

await program.parseAsync().catch(exitWith);
