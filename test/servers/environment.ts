import { describe, test } from 'vitest';
import type { Unreachable } from '../adapters/run-suite.ts';

/** How tests are told where the servers are. `npm run test:servers` sets them all; so may anybody with servers at hand. */
export const serverVariables = [
  'TEST_REDIS_URL',
  'TEST_POSTGRESQL_URL',
  'TEST_FERRETDB_URL',
  'TEST_MONGO_JAVA_URL',
  'TEST_RABBITMQ_URL',
  'TEST_NATS_URL',
  'TEST_KAFKA_BROKERS',
] as const;

export type ServerVariable = (typeof serverVariables)[number];

/** The server's address, or `undefined` when there is none. */
export function serverAddress(variable: ServerVariable): string | undefined {
  return process.env[variable] || undefined;
}

/** Instead of the subject of a suite, when its server has no address. */
export function unreachable(name: string, variable: ServerVariable): Unreachable {
  return { name, unreachable: missing(variable) };
}

/**
 * Describes what needs this server, or what may start one of its own of the same kind: skipped by name on a laptop without
 * the address, a failure in CI.
 */
export function describeWithServer(variable: ServerVariable, name: string, tests: (address: string) => void): void {
  const address = serverAddress(variable);
  describe(name, () => {
    if (address !== undefined) tests(address);
    else if (process.env.CI) {
      test(`${variable} is set`, () => {
        throw new Error(`In CI every server must be reachable: ${missing(variable)}.`);
      });
    } else test.skip(`not run (${missing(variable)})`, () => {});
  });
}

function missing(variable: ServerVariable): string {
  return `${variable} is not set, see CONTRIBUTING.md`;
}
