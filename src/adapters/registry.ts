import { join } from 'node:path';
import { failure } from '../kernel/errors.ts';
import type { Channel } from '../ports/channel.ts';
import type { EventBus } from '../ports/event-bus.ts';
import type { Store } from '../ports/store.ts';
import type { Logger } from '../ports/telemetry.ts';
import type { SmtpChannelOptions } from './channels/smtp.ts';

/** Which store, and what it needs. */
export type StoreSettings =
  | { readonly provider: 'memory' }
  /** The file `statewright.db` in the directory. */
  | { readonly provider: 'sqlite'; readonly directory: string }
  /** On a server; every name there begins with the namespace. */
  | ServerSettings<'redis' | 'postgresql' | 'mongodb'>;

/** Which bus. */
export type BusSettings =
  | { readonly provider: 'memory' }
  | ServerSettings<'redis' | 'rabbitmq' | 'nats'>
  | { readonly provider: 'kafka'; readonly brokers: readonly string[]; readonly namespace: string };

/** What a store or bus on a server is given besides. */
interface Tools {
  /** Hears of lost connections, of a log that lost its tail, of messages that were stepped over. */
  readonly logger?: Logger | undefined;
}

/** What a provider on a server is reached by. The address may hold a password. */
interface ServerSettings<Provider extends string> {
  readonly provider: Provider;
  readonly url: string;
  readonly namespace: string;
}

/** Where notifications go: each kind by the first of SMTP (email only), webhook and file that is there. */
export interface ChannelSettings {
  readonly smtp?: Pick<SmtpChannelOptions, 'url' | 'from' | 'render'>;
  readonly webhook?: { readonly url: string; readonly secret: string };
  /** Of the file that takes what nothing else does. */
  readonly directory: string;
}

/** Opens a store; only its own adapter is loaded. @throws UNKNOWN_PROVIDER, STORE_UNAVAILABLE and its relatives. */
export async function openStore(settings: StoreSettings, { logger }: Tools = {}): Promise<Store> {
  switch (settings.provider) {
    case 'memory': {
      const { memoryStore } = await import('./stores/memory/memory.ts');
      return memoryStore();
    }
    case 'sqlite': {
      const { sqliteStore } = await import('./stores/sqlite/sqlite.ts');
      return sqliteStore({ file: join(settings.directory, 'statewright.db') });
    }
    case 'redis': {
      const { redisStore } = await import('./stores/redis/redis.ts');
      return redisStore(logger === undefined ? settings : { ...settings, logger });
    }
    case 'postgresql': {
      const { postgresqlStore } = await import('./stores/postgresql/postgresql.ts');
      return postgresqlStore(settings);
    }
    case 'mongodb': {
      const { mongodbStore } = await import('./stores/mongodb/mongodb.ts');
      return mongodbStore(settings);
    }
    default:
      throw unknownProvider('store', storeProviders, settings);
  }
}

/** Opens a bus; only its own adapter is loaded. @throws UNKNOWN_PROVIDER, INVALID_CONFIGURATION, BUS_UNAVAILABLE */
export async function openBus(settings: BusSettings, { logger }: Tools = {}): Promise<EventBus> {
  const tools = logger === undefined ? {} : { logger };
  switch (settings.provider) {
    case 'memory': {
      const { memoryBus } = await import('./buses/memory.ts');
      return memoryBus();
    }
    case 'redis': {
      const { redisBus } = await import('./buses/redis/redis.ts');
      return redisBus({ ...settings, ...tools });
    }
    case 'nats': {
      const { natsBus } = await import('./buses/nats/nats.ts');
      return natsBus({ ...settings, ...tools });
    }
    case 'rabbitmq': {
      const { rabbitmqBus } = await import('./buses/rabbitmq/rabbitmq.ts');
      return rabbitmqBus({ ...settings, ...tools });
    }
    case 'kafka': {
      const { kafkaBus } = await import('./buses/kafka/kafka.ts');
      return kafkaBus({ ...settings, ...tools });
    }
    default:
      throw unknownProvider('bus', busProviders, settings);
  }
}

/** The channels that the settings ask for; together they take every kind once. */
export async function openChannels({ smtp, webhook, directory }: ChannelSettings): Promise<readonly Channel[]> {
  const channels: Channel[] = [];
  if (smtp !== undefined) {
    const { smtpChannel } = await import('./channels/smtp.ts');
    channels.push(smtpChannel(smtp));
  }
  const rest = smtp === undefined ? (['email', 'push'] as const) : (['push'] as const);
  if (webhook !== undefined) {
    const { webhookChannel } = await import('./channels/webhook.ts');
    channels.push(webhookChannel({ ...webhook, kinds: rest }));
  } else {
    const { fileChannel } = await import('./channels/file.ts');
    channels.push(fileChannel({ directory, kinds: rest }));
  }
  return channels;
}

/** The names that `openStore` knows. */
export const storeProviders: readonly StoreSettings['provider'][] = [
  'sqlite',
  'memory',
  'redis',
  'postgresql',
  'mongodb',
];

/** The names that `openBus` knows. */
export const busProviders: readonly BusSettings['provider'][] = ['memory', 'redis', 'rabbitmq', 'nats', 'kafka'];

/** For callers without types: the settings come from a file or a form. */
function unknownProvider(kind: string, known: readonly string[], found: unknown) {
  const name = typeof found === 'object' && found !== null && 'provider' in found ? found.provider : found;
  return failure('UNKNOWN_PROVIDER', { expected: `a ${kind}: ${known.join(' or ')}`, found: JSON.stringify(name) });
}
