import {
  type BusSettings,
  type ChannelSettings,
  createProbes,
  createProcessor,
  createServer,
  defineAggregate,
  type Logger,
  openBus,
  openChannels,
  openStore,
  type Processor,
  type ProcessorSettings,
  prometheusTelemetry,
  type StoreSettings,
} from 'statewright';
import { notification } from '../../machines/notification.machine.ts';
import { orderIn } from '../../machines/order.machine.ts';
import { user } from '../../machines/user.machine.ts';
import { analyticsRoutes } from './analytics.routes.ts';
import { mailsIn } from './mails.ts';
import { notifications } from './notifications.ts';
import { ordersProjection } from './orders.projection.ts';
import { ordersRoutes } from './orders.routes.ts';
import { createTokens, secretIn } from './tokens.ts';
import { usersProjection } from './users.projection.ts';
import { usersRoutes } from './users.routes.ts';

/** What the application is told from outside; the command line gives what the environment says. */
export interface ApplicationSettings {
  readonly version: string;
  readonly logger: Logger;
  readonly store: StoreSettings;
  readonly bus: BusSettings;
  readonly processor?: Partial<ProcessorSettings>;
  /** The projections and grouped subscriptions that run in this process. Default: all. */
  readonly subscriptions?: readonly string[];
  readonly smtp?: { readonly url: string; readonly from: string };
  readonly webhook?: NonNullable<ChannelSettings['webhook']>;
  /** Of the notifications' file and the token secret. */
  readonly dataDir: string;
  /** Without a slash at the end. */
  readonly frontendUrl: string;
  /** ISO 4217. */
  readonly currency: string;
  /** Default: a file of its own in `dataDir`. */
  readonly tokenSecret?: string;
}

/** An application put together: not started, not listening. Draining the processor closes both. */
export interface Application {
  readonly processor: Processor;
  readonly server: ReturnType<typeof createServer>;
  /** Health and metrics alone: for a worker without a command API. */
  readonly probes: ReturnType<typeof createProbes>;
}

/** Users and orders: the reference application. @throws what opening the store and the bus throws. */
export async function createApplication(settings: ApplicationSettings): Promise<Application> {
  const { version, logger, dataDir, frontendUrl, currency, smtp, webhook } = settings;
  const order = orderIn(currency);
  const telemetry = prometheusTelemetry();
  const tokens = createTokens({ secret: settings.tokenSecret ?? (await secretIn(dataDir)) });
  const channels = await openChannels({
    directory: dataDir,
    ...(smtp === undefined ? {} : { smtp: { ...smtp, render: mailsIn(currency) } }),
    ...(webhook === undefined ? {} : { webhook }),
  });
  const store = await openStore(settings.store, { logger });
  const bus = await openBus(settings.bus, { logger }).catch(async (error: unknown) => {
    await store.close();
    throw error;
  });
  const processor = createProcessor({
    store,
    bus,
    channels,
    aggregates: [user, order, notification].map(defineAggregate),
    projections: [usersProjection, ordersProjection],
    notifications: notifications({ frontendUrl, tokens }),
    only: settings.subscriptions,
    telemetry,
    logger,
    ...(settings.processor === undefined ? {} : { settings: settings.processor }),
  });
  const about = { processor, version, telemetry, logger };
  const server = createServer({
    ...about,
    routes: [usersRoutes({ processor, tokens }), ordersRoutes({ processor, order }), analyticsRoutes(processor)],
  });
  const probes = createProbes(about);
  processor.onDrain(async () => void (await Promise.all([server.close(), probes.close()])));
  return { processor, server, probes };
}
