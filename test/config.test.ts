import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { storeProviders } from '../src/adapters/registry.ts';
import { loadConfig } from '../src/config.ts';
import { isFailure } from '../src/kernel/errors.ts';

const directory = mkdtempSync(join(tmpdir(), 'statewright-config-'));
afterAll(() => rmSync(directory, { recursive: true }));

const missing = join(directory, 'no such file');
const load = (environment: Record<string, string> = {}, file = missing) => loadConfig({ environment, file });

function faultsOf(environment: Record<string, string>): {
  readonly names: readonly string[];
  readonly message: string;
} {
  try {
    load(environment);
  } catch (error) {
    if (!isFailure(error, 'INVALID_CONFIGURATION')) throw error;
    const faults = error.explanation.details?.faults as readonly { readonly name: string }[];
    return { names: faults.map(({ name }) => name), message: error.message };
  }
  return { names: [], message: '' };
}

test('an empty environment gives the defaults: SQLite in ./data, on 127.0.0.1:3000', () => {
  expect(load()).toEqual({
    dataDir: resolve('data'),
    store: { provider: 'sqlite', directory: resolve('data') },
    bus: { provider: 'memory' },
    processor: {
      snapshotEvery: 10,
      retentionDays: 365,
      commandIdDays: 30,
      retryAttempts: 3,
      retryDelayMs: 1_000,
      deadLetters: true,
    },
    http: { host: '127.0.0.1', port: 3_000 },
    frontendUrl: 'http://localhost:3001',
    currency: 'EUR',
    logLevel: 'info',
    shutdownTimeoutMs: 25_000,
  });
});

test('what is set is used, and an empty value counts as not set', () => {
  const config = load({
    EVENT_STORE_PROVIDER: 'memory',
    PORT: '0',
    DEAD_LETTERS: 'false',
    FRONTEND_URL: 'https://shop.example/',
    CURRENCY: 'USD',
    SNAPSHOT_EVERY: '',
    WEBHOOK_URL: 'https://hooks.example/in',
    WEBHOOK_SECRET: `whsec_${Buffer.alloc(24).toString('base64')}`,
    SMTP_URL: 'smtps://ada:secret@mail.example:465?from=hello%40shop.example',
  });
  expect(config).toMatchObject({
    store: { provider: 'memory' },
    http: { port: 0 },
    processor: { deadLetters: false, snapshotEvery: 10 },
    frontendUrl: 'https://shop.example',
    currency: 'USD',
    webhook: { url: 'https://hooks.example/in' },
    smtp: { url: 'smtps://ada:secret@mail.example:465', from: 'hello@shop.example' },
  });
});

test('without its own sender, mail comes from no-reply at the front end’s host', () => {
  const { smtp } = load({ SMTP_URL: 'smtp://mail.example', FRONTEND_URL: 'https://shop.example:8443' });
  expect(smtp).toEqual({ url: 'smtp://mail.example', from: 'no-reply@shop.example' });
});

test('all faults are reported together, each with what was expected and found', () => {
  const { names, message } = faultsOf({
    EVENT_STORE_PROVIDER: 'oracle',
    PORT: '70000',
    SNAPSHOT_EVERY: '1.5',
    DEAD_LETTERS: 'yes',
    FRONTEND_URL: 'ftp://x',
    CURRENCY: 'euro',
    LOG_LEVEL: 'loud',
  });
  expect(names).toEqual([
    'EVENT_STORE_PROVIDER',
    'SNAPSHOT_EVERY',
    'DEAD_LETTERS',
    'PORT',
    'FRONTEND_URL',
    'CURRENCY',
    'LOG_LEVEL',
  ]);
  expect(message).toContain(`EVENT_STORE_PROVIDER: expected ${storeProviders.join(' or ')}, found "oracle"`);
  expect(message).toContain('PORT: expected a whole number from 0 to 65535, found "70000"');
});

test('a variable that is not built yet is refused by name, never ignored', () => {
  const environment = { AUTH_JWKS_URL: '1', OTEL_SERVICE_NAME: '1' };
  expect(faultsOf(environment).names).toEqual(Object.keys(environment));
});

test('a secret that does not fit is never shown', () => {
  const { names, message } = faultsOf({
    TOKEN_SECRET: 'hunter2',
    WEBHOOK_URL: 'https://ada:hunter2@hooks.example',
    WEBHOOK_SECRET: 'hunter2',
    SMTP_URL: 'hunter2',
  });
  expect(names).toEqual(['TOKEN_SECRET', 'SMTP_URL', 'WEBHOOK_URL', 'WEBHOOK_SECRET']);
  expect(message).not.toContain('hunter2');
});

test('a webhook needs its secret, and a secret its webhook', () => {
  expect(faultsOf({ WEBHOOK_URL: 'https://hooks.example' }).names).toEqual(['WEBHOOK_SECRET']);
  expect(faultsOf({ WEBHOOK_SECRET: `whsec_${Buffer.alloc(32).toString('base64')}` }).names).toEqual(['WEBHOOK_URL']);
});

test('a .env file is read, and the environment wins over it', () => {
  const file = join(directory, '.env');
  writeFileSync(file, 'PORT=4000\nCURRENCY="CHF" # francs\n');
  expect(load({ PORT: '5000' }, file)).toMatchObject({ http: { port: 5_000 }, currency: 'CHF' });
});

test('each store and bus on a server is told its address and the namespace', () => {
  const secret = { TOKEN_SECRET: 'a secret that all the workers share' };
  const settings = (environment: Record<string, string>) => {
    const { store, bus } = load({ ...environment, ...secret, NAMESPACE: 'shop' });
    return [store, bus];
  };
  const namespace = 'shop';
  expect(
    settings({
      EVENT_STORE_PROVIDER: 'redis',
      EVENT_BUS_PROVIDER: 'redis',
      REDIS_HOST: 'cache',
      REDIS_PASSWORD: 'p@ss',
    }),
  ).toEqual([
    { provider: 'redis', namespace, url: 'redis://:p%40ss@cache:6379/1' },
    { provider: 'redis', namespace, url: 'redis://:p%40ss@cache:6379/2' },
  ]);
  expect(settings({ EVENT_STORE_PROVIDER: 'redis', REDIS_URL: 'rediss://cache:7000/9' })[0]).toMatchObject({
    url: 'rediss://cache:7000/9',
  });
  expect(settings({ EVENT_STORE_PROVIDER: 'postgresql', DB_HOST: '::1', DB_NAME: 'a b', DB_PASS: 'p@ss' })[0]).toEqual({
    provider: 'postgresql',
    namespace,
    url: 'postgresql://statewright:p%40ss@[::1]:5432/a%20b',
  });
  expect(settings({ EVENT_BUS_PROVIDER: 'kafka', KAFKA_BROKERS: 'one:9092,two:9092' })[1]).toEqual({
    provider: 'kafka',
    namespace,
    brokers: ['one:9092', 'two:9092'],
  });
});

test('workers that share a store on a server must be given the secret of their tokens', () => {
  expect(faultsOf({ EVENT_STORE_PROVIDER: 'postgresql' }).names).toEqual(['TOKEN_SECRET']);
  expect(faultsOf({ EVENT_STORE_PROVIDER: 'sqlite' }).names).toEqual([]);
});

test('a namespace is a name that every server takes', () => {
  for (const namespace of ['Shop', '1shop', 'a:b', 'ö', 'a'.repeat(41)]) {
    expect(faultsOf({ NAMESPACE: namespace }).names).toEqual(['NAMESPACE']);
  }
});
