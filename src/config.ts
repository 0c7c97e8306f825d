import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'dotenv';
import { type Static, type TSchema, Type } from 'typebox';
import { Check } from 'typebox/value';
import { type BusSettings, busProviders, type StoreSettings, storeProviders } from './adapters/registry.ts';
import { failure } from './kernel/errors.ts';

/** What the environment says, checked and with the defaults filled in. Holds secrets: never log it whole. */
export interface Config {
  readonly dataDir: string;
  readonly store: StoreSettings;
  readonly bus: BusSettings;
  readonly processor: {
    readonly snapshotEvery: number;
    readonly retentionDays: number;
    readonly commandIdDays: number;
    readonly retryAttempts: number;
    readonly retryDelayMs: number;
    readonly deadLetters: boolean;
  };
  readonly http: { readonly host: string; readonly port: number };
  /** Without a slash at the end. */
  readonly frontendUrl: string;
  /** ISO 4217. */
  readonly currency: string;
  readonly tokenSecret?: string;
  /** The sender is SMTP_URL's `?from=`, else `no-reply` at the front end's host. */
  readonly smtp?: { readonly url: string; readonly from: string };
  readonly webhook?: { readonly url: string; readonly secret: string };
  readonly logLevel: string;
  readonly shutdownTimeoutMs: number;
}

export interface ConfigSources {
  /** Default: the process's own. It wins over the file. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Default: `.env` in the working directory; none when it is missing. */
  readonly file?: string;
}

/** Reads the configuration, the only place that does. @throws INVALID_CONFIGURATION with every fault at once. */
export function loadConfig({ environment = process.env, file = '.env' }: ConfigSources = {}): Config {
  const given = { ...(existsSync(file) ? parse(readFileSync(file)) : {}), ...environment };
  const faults = notBuilt(given);
  const values: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(Variables.properties as unknown as Record<string, Variable>)) {
    const text = given[name];
    if (text === undefined || text === '') {
      if (schema.default !== undefined) values[name] = schema.default;
      continue;
    }
    values[name] = converted(text, schema);
    if (!Check(schema, values[name])) faults.push({ name, expected: schema.description, found: shown(text, schema) });
  }
  const known = values as Known;
  if ((known.WEBHOOK_URL === undefined) !== (known.WEBHOOK_SECRET === undefined)) {
    const [name, other] =
      known.WEBHOOK_URL === undefined ? ['WEBHOOK_URL', 'WEBHOOK_SECRET'] : ['WEBHOOK_SECRET', 'WEBHOOK_URL'];
    if (!faults.some((fault) => fault.name === name)) {
      faults.push({ name, expected: `a value, since ${other} is set`, found: 'nothing' });
    }
  }
  if (known.TOKEN_SECRET === undefined && serverStores.includes(known.EVENT_STORE_PROVIDER)) {
    const expected = 'a secret that all workers share, since the store is on a server';
    faults.push({ name: 'TOKEN_SECRET', expected, found: 'nothing' });
  }
  if (faults.length > 0) throw refusal(faults);
  return configOf(known);
}

type Variable = TSchema & { readonly description: string; readonly default?: unknown; readonly secret?: boolean };

const whole = (minimum: number, maximum: number, initial: number) =>
  Type.Integer({ minimum, maximum, default: initial, description: `a whole number from ${minimum} to ${maximum}` });
const oneOf = <const Name extends string>(names: readonly Name[], initial: Name) =>
  Type.Unsafe<Name>({ type: 'string', enum: names, default: initial, description: names.join(' or ') });
const address = (
  protocols: readonly string[],
  options: { readonly secret?: boolean; readonly default?: string } = {},
) =>
  Type.Refine(
    Type.String({ description: `an address that begins with ${protocols.join('// or ')}//`, ...options }),
    (text) => protocols.includes(URL.parse(text)?.protocol ?? '') && URL.parse(text)?.hostname !== '',
  );

/** SPEC §3, as far as it is built. */
const Variables = Type.Object({
  EVENT_STORE_PROVIDER: oneOf(storeProviders, 'sqlite'),
  EVENT_BUS_PROVIDER: oneOf(busProviders, 'memory'),
  NAMESPACE: Type.String({
    pattern: '^[a-z][a-z0-9_-]{0,39}$',
    default: 'statewright',
    description: 'a small letter, then up to 39 small letters, digits, _ or -',
  }),
  REDIS_URL: Type.Optional(address(['redis:', 'rediss:'], { secret: true })),
  REDIS_HOST: Type.String({ default: '127.0.0.1', description: 'a host name or address' }),
  REDIS_PORT: whole(1, 65_535, 6_379),
  REDIS_PASSWORD: Type.Optional(Type.String({ description: 'a password', secret: true })),
  REDIS_STORE_DB: whole(0, 65_535, 1),
  REDIS_BUS_DB: whole(0, 65_535, 2),
  DATABASE_URL: Type.Optional(address(['postgresql:', 'postgres:'], { secret: true })),
  DB_HOST: Type.String({ default: '127.0.0.1', description: 'a host name or address' }),
  DB_PORT: whole(1, 65_535, 5_432),
  DB_NAME: Type.String({ default: 'statewright', description: 'the name of a database' }),
  DB_USER: Type.String({ default: 'statewright', description: 'the name of a role' }),
  DB_PASS: Type.Optional(Type.String({ description: 'a password', secret: true })),
  MONGODB_URL: address(['mongodb:', 'mongodb+srv:'], {
    secret: true,
    default: 'mongodb://127.0.0.1:27017/statewright',
  }),
  RABBITMQ_URL: address(['amqp:', 'amqps:'], { secret: true, default: 'amqp://127.0.0.1:5672' }),
  NATS_URL: address(['nats:', 'tls:'], { secret: true, default: 'nats://127.0.0.1:4222' }),
  KAFKA_BROKERS: Type.String({
    pattern: '^[^\\s,:]+(:\\d{1,5})?(,[^\\s,:]+(:\\d{1,5})?)*$',
    default: '127.0.0.1:9092',
    description: 'a list such as kafka-1:9092,kafka-2:9092',
  }),
  DATA_DIR: Type.String({ default: './data', description: 'a directory' }),
  SNAPSHOT_EVERY: whole(1, 1_000_000, 10),
  RETENTION_DAYS: whole(1, 36_500, 365),
  COMMAND_ID_DAYS: whole(1, 36_500, 30),
  RETRY_ATTEMPTS: whole(1, 1_000, 3),
  RETRY_DELAY_MS: whole(1, 3_600_000, 1_000),
  DEAD_LETTERS: Type.Boolean({ default: true, description: 'true or false' }),
  HOST: Type.String({ default: '127.0.0.1', description: 'a host name or address to listen on' }),
  PORT: whole(0, 65_535, 3_000),
  FRONTEND_URL: address(['http:', 'https:'], { default: 'http://localhost:3001' }),
  CURRENCY: Type.String({ pattern: '^[A-Z]{3}$', default: 'EUR', description: 'three capital letters (ISO 4217)' }),
  TOKEN_SECRET: Type.Optional(Type.String({ minLength: 32, description: 'at least 32 characters', secret: true })),
  SMTP_URL: Type.Optional(address(['smtp:', 'smtps:'], { secret: true })),
  WEBHOOK_URL: Type.Optional(
    Type.Refine(address(['http:', 'https:'], { secret: true }), (text) => URL.parse(text)?.username === ''),
  ),
  WEBHOOK_SECRET: Type.Optional(
    Type.String({
      pattern: '^whsec_([A-Za-z0-9+/]{4}){8,}([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$',
      description: 'whsec_ and at least 24 bytes in base64 (Standard Webhooks)',
      secret: true,
    }),
  ),
  LOG_LEVEL: oneOf(['info', 'trace', 'debug', 'warn', 'error', 'fatal', 'silent'], 'info'),
  // Read by Node's libraries themselves.
  NODE_ENV: oneOf(['development', 'production', 'test'], 'development'),
  SHUTDOWN_TIMEOUT_MS: whole(1, 3_600_000, 25_000),
});

const serverStores: readonly string[] = ['redis', 'postgresql', 'mongodb'] satisfies StoreSettings['provider'][];

/** Of SPEC §3, and still to come: refused by name, so that nobody believes them in force. */
const stillToCome = /^(AUTH_\w+|OTEL_\w+)$/;

interface Fault {
  readonly name: string;
  readonly expected: string;
  readonly found: string;
}

function notBuilt(given: Readonly<Record<string, string | undefined>>): Fault[] {
  return Object.keys(given)
    .filter((name) => stillToCome.test(name) && given[name])
    .map((name) => ({ name, expected: 'not to be set: it is not built yet', found: 'a value' }));
}

function converted(text: string, schema: TSchema & { readonly type?: string }): unknown {
  if (schema.type === 'integer' && /^\d{1,15}$/.test(text)) return Number(text);
  if (schema.type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  return text;
}

function shown(text: string, { secret }: Variable): string {
  if (secret === true) return `a secret of ${text.length} characters`;
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

function refusal(faults: readonly Fault[]) {
  const lines = faults.map(({ name, expected, found }) => `  ${name}: expected ${expected}, found ${found}`);
  return failure('INVALID_CONFIGURATION', { found: `\n${lines.join('\n')}\n`, details: { faults } });
}

type Known = Static<typeof Variables>;

function configOf(known: Known): Config {
  const dataDir = resolve(known.DATA_DIR);
  return {
    dataDir,
    store: storeOf(known, dataDir),
    bus: busOf(known),
    processor: {
      snapshotEvery: known.SNAPSHOT_EVERY,
      retentionDays: known.RETENTION_DAYS,
      commandIdDays: known.COMMAND_ID_DAYS,
      retryAttempts: known.RETRY_ATTEMPTS,
      retryDelayMs: known.RETRY_DELAY_MS,
      deadLetters: known.DEAD_LETTERS,
    },
    http: { host: known.HOST, port: known.PORT },
    frontendUrl: known.FRONTEND_URL.replace(/\/+$/, ''),
    currency: known.CURRENCY,
    ...(known.TOKEN_SECRET === undefined ? {} : { tokenSecret: known.TOKEN_SECRET }),
    ...(known.SMTP_URL === undefined ? {} : { smtp: smtpOf(known.SMTP_URL, known.FRONTEND_URL) }),
    ...(known.WEBHOOK_URL === undefined || known.WEBHOOK_SECRET === undefined
      ? {}
      : { webhook: { url: known.WEBHOOK_URL, secret: known.WEBHOOK_SECRET } }),
    logLevel: known.LOG_LEVEL,
    shutdownTimeoutMs: known.SHUTDOWN_TIMEOUT_MS,
  };
}

function storeOf(known: Known, directory: string): StoreSettings {
  const { EVENT_STORE_PROVIDER: provider, NAMESPACE: namespace } = known;
  switch (provider) {
    case 'memory':
      return { provider };
    case 'sqlite':
      return { provider, directory };
    case 'redis':
      return { provider, namespace, url: redisUrl(known, known.REDIS_STORE_DB) };
    case 'postgresql':
      return { provider, namespace, url: postgresqlUrl(known) };
    case 'mongodb':
      return { provider, namespace, url: known.MONGODB_URL };
  }
}

function busOf(known: Known): BusSettings {
  const { EVENT_BUS_PROVIDER: provider, NAMESPACE: namespace } = known;
  switch (provider) {
    case 'memory':
      return { provider };
    case 'redis':
      return { provider, namespace, url: redisUrl(known, known.REDIS_BUS_DB) };
    case 'rabbitmq':
      return { provider, namespace, url: known.RABBITMQ_URL };
    case 'nats':
      return { provider, namespace, url: known.NATS_URL };
    case 'kafka':
      return { provider, namespace, brokers: known.KAFKA_BROKERS.split(',') };
  }
}

/** `REDIS_URL` as it is when it names a database, else with the one for this use. */
function redisUrl(known: Known, database: number): string {
  const url = new URL(known.REDIS_URL ?? `redis://${hostOf(known.REDIS_HOST)}:${known.REDIS_PORT}`);
  if (known.REDIS_URL === undefined) url.password = encodeURIComponent(known.REDIS_PASSWORD ?? '');
  if (url.pathname.length <= 1) url.pathname = `/${database}`;
  return url.href;
}

/** As an address has it: IPv6 in brackets. */
function hostOf(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function postgresqlUrl(known: Known): string {
  if (known.DATABASE_URL !== undefined) return known.DATABASE_URL;
  const url = new URL(`postgresql://${hostOf(known.DB_HOST)}:${known.DB_PORT}/${encodeURIComponent(known.DB_NAME)}`);
  url.username = encodeURIComponent(known.DB_USER);
  url.password = encodeURIComponent(known.DB_PASS ?? '');
  return url.href;
}

function smtpOf(smtpUrl: string, frontendUrl: string): { readonly url: string; readonly from: string } {
  const url = new URL(smtpUrl);
  const from = url.searchParams.get('from') ?? `no-reply@${new URL(frontendUrl).hostname}`;
  url.searchParams.delete('from');
  return { url: url.href, from };
}
