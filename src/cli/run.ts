import { failure } from '../kernel/errors.ts';
import type { Processor } from '../runtime/processor.ts';
import { exitWith } from './exit.ts';
import { drainOnSignal } from './shutdown.ts';

interface Address {
  readonly host: string;
  readonly port: number;
}

interface Door {
  listen(address: Address): Promise<string>;
}

/**
 * Starts the work, then opens the door, until a signal ends both. Returns the address.
 * @throws INVALID_CONFIGURATION for an address that can't be had; everything is closed then.
 */
export async function run(processor: Processor, door: Door, address: Address): Promise<string> {
  drainOnSignal(() => processor.drain(), exitWith);
  try {
    await processor.start();
    return await door.listen(address);
  } catch (error) {
    await processor.drain().catch(() => {});
    throw addressFailure(error) ?? error;
  }
}

function addressFailure(cause: unknown) {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  if (!['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL', 'ENOTFOUND'].includes(code)) return undefined;
  return failure('INVALID_CONFIGURATION', { found: message, remedy: 'Choose another HOST or PORT.', cause });
}
