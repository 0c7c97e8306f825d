import { Command } from 'commander';
import type { DeadLetters } from '../runtime/dead-letters.ts';
import { withProcessor } from './application.ts';
import { printLine } from './lines.ts';

export function deadLettersCommand(): Command {
  const list = new Command('list')
    .description('print the parked streams, one a line, as JSON')
    .option('--subscription <name>', 'of this subscription alone')
    .action((options: { readonly subscription?: string }, command: Command) =>
      withProcessor(command, ({ deadLetters }) => printAll(deadLetters, options)),
    );
  const show = new Command('show')
    .description('print one, with the event that could not be handled')
    .argument('<id>')
    .action(async (id: string, _options, command: Command) => {
      const found = await withProcessor(command, ({ deadLetters }) => deadLetters.get(id));
      console.log(JSON.stringify(found, null, 2));
    });
  const redrive = new Command('redrive')
    .description('handle it again, and what came after it, in order; without an id: all')
    .argument('[id]')
    .option('--subscription <name>', 'without an id: of this subscription alone')
    .action(async (id: string | undefined, options: { readonly subscription?: string }, command: Command) => {
      const count = await withProcessor(command, async ({ deadLetters }) => {
        if (id === undefined) return deadLetters.redriveAll(options.subscription);
        await deadLetters.redrive(id);
        return 1;
      });
      console.log(`${count} redriven; a worker handles them.`);
    });
  const discard = new Command('discard')
    .description('step over that one event and go on with the next')
    .argument('<id>')
    .action(async (id: string, _options, command: Command) => {
      await withProcessor(command, ({ deadLetters }) => deadLetters.discard(id));
      console.log('Stepped over; a worker goes on with the next event.');
    });
  const deadLetters = new Command('dead-letters').description('what could not be handled, and how to go on');
  for (const command of [list, show, redrive, discard]) deadLetters.addCommand(command);
  return deadLetters;
}

const pageSize = 100;

async function printAll(deadLetters: DeadLetters, filter: { readonly subscription?: string }): Promise<void> {
  let page = await deadLetters.list({ ...filter, limit: pageSize });
  while (page.length > 0) {
    for (const each of page) await printLine(each);
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    page = await deadLetters.list({ ...filter, after: last.id, limit: pageSize });
  }
}
