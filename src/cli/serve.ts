import { Command } from 'commander';
import { failure } from '../kernel/errors.ts';
import { openApplication } from './application.ts';
import { exitWith } from './exit.ts';
import { drainOnSignal } from './shutdown.ts';

export const serveCommand = () =>
  new Command('serve').description('serve HTTP and work, in one process').action(async (_options, command: Command) => {
    const { processor, server, config } = await openApplication(command);
    drainOnSignal(() => processor.drain(), exitWith);
    const url = await start(() => processor.start(), server, config.http).catch(async (error) => {
      await processor.drain().catch(() => {});
      throw error;
    });
    const { store, dataDir } = config;
    console.log(
      `Statewright listens on ${url}, with ${store.provider}${store.provider === 'memory' ? '' : ` in ${dataDir}`}.`,
    );
    console.log(toTry(url));
  });

interface Listening {
  listen(address: { readonly host: string; readonly port: number }): Promise<string>;
}

/** Starts the work, then opens the door. Returns the address. @throws INVALID_CONFIGURATION for one that is taken. */
export async function start(
  work: () => Promise<void>,
  server: Listening,
  address: { readonly host: string; readonly port: number },
): Promise<string> {
  await work();
  try {
    return await server.listen(address);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL' && code !== 'ENOTFOUND') throw cause;
    throw failure('INVALID_CONFIGURATION', { found: message, remedy: 'Choose another HOST or PORT.', cause });
  }
}

const toTry = (url: string) => `
Try:
  curl -s ${url}/users -H 'content-type: application/json' -d '{"email":"ada@example.com","firstName":"Ada","lastName":"Lovelace"}'
  curl -s ${url}/users
  curl -s ${url}/events
  curl -s ${url}/machines/User.mmd
  curl -s ${url}/openapi.json
Ctrl-C ends it.`;
