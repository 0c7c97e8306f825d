import { Command } from 'commander';
import { mermaid } from '../diagrams/mermaid.ts';
import { failure } from '../kernel/errors.ts';
import { withProcessor } from './application.ts';

export const diagramCommand = () =>
  new Command('diagram')
    .description('print a machine as a Mermaid diagram; without a name: the names')
    .argument('[machine]', 'such as User')
    .action(async (name: string | undefined, _options, command: Command) => {
      const machines = await withProcessor(command, async (processor) => processor.machines());
      if (name === undefined) return console.log(machines.map((each) => `${each.name} (${each.kind})`).join('\n'));
      const found = machines.find((each) => each.name === name);
      if (found !== undefined) return console.log(mermaid(found.machine));
      throw failure('NOT_FOUND', { expected: `one of ${machines.map((each) => each.name).join(', ')}`, found: name });
    });
