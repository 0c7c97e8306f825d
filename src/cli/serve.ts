import { Command } from 'commander';
import { openApplication } from './application.ts';
import { subscriptionsOption } from './arguments.ts';
import { run } from './run.ts';

export const serveCommand = () =>
  new Command('serve')
    .description('serve HTTP and work, in one process')
    .addOption(subscriptionsOption())
    .action(async (_options, command: Command) => {
      const { processor, server, config } = await openApplication(command, { patient: true });
      const url = await run(processor, server, config.http);
      const { store, bus, dataDir } = config;
      const where = store.provider === 'sqlite' ? ` in ${dataDir}` : '';
      console.log(`Statewright listens on ${url}, with ${store.provider}${where} and the bus ${bus.provider}.`);
      console.log(toTry(url));
    });

const toTry = (url: string) => `
Try:
  curl -s ${url}/users -H 'content-type: application/json' -d '{"email":"ada@example.com","firstName":"Ada","lastName":"Lovelace"}'
  curl -s ${url}/users
  curl -s ${url}/events
  curl -s ${url}/machines/User.mmd
  curl -s ${url}/openapi.json
Ctrl-C ends it.`;
