import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from 'commander';
import { pino } from 'pino';
import type { Application, ApplicationSettings } from '../app/application.ts';
import { type Config, loadConfig } from '../config.ts';
import { systemClock } from '../kernel/clock.ts';
import { asFailure, failure } from '../kernel/errors.ts';
import type { Processor } from '../runtime/processor.ts';
import { retrying } from '../runtime/retry.ts';
import { version } from './version.ts';

/** What `--app` names: a module with one function. */
interface ApplicationModule {
  createApplication(settings: ApplicationSettings): Promise<Application>;
}

/**
 * Opens the application that the call is about: the reference one, or that of `--app`. Its log goes to stderr.
 * @param patient whether a store or bus that does not answer is waited for, however long, rather than told.
 */
export async function openApplication(
  command: Command,
  { patient = false } = {},
): Promise<Application & { readonly config: Config }> {
  const config = loadConfig();
  const { app, subscriptions } = command.optsWithGlobals<{
    readonly app?: string;
    readonly subscriptions?: readonly string[];
  }>();
  const module = app === undefined ? await import('../app/application.ts') : await moduleAt(app);
  const { processor, shutdownTimeoutMs, logLevel, http: _, ...settings } = config;
  const logger = pino({ level: logLevel }, pino.destination({ fd: 2, sync: true }));
  const open = () =>
    module.createApplication({
      ...settings,
      ...(subscriptions === undefined ? {} : { subscriptions }),
      version,
      logger,
      processor: { ...processor, shutdownTimeoutMs },
    });
  if (!patient) return { ...(await open()), config };
  const opening = retrying(open, {
    clock: systemClock,
    delayMs: 500,
    maxDelayMs: 5_000,
    onRetry: (_attempt, err) => logger.warn({ err }, 'What the application needs does not answer; it is waited for.'),
  });
  return { ...(await awake(opening)), config };
}

/** Opens the application for one task, and closes it whatever comes of it. */
export async function withProcessor<Result>(
  command: Command,
  task: (processor: Processor) => Promise<Result>,
): Promise<Result> {
  const { processor } = await openApplication(command);
  return awake(task(processor).finally(() => processor.drain()));
}

/** Keeps the process alive until it is settled, which the runtime's own timers don't. */
async function awake<Result>(task: Promise<Result>): Promise<Result> {
  const alive = setInterval(() => {}, 60_000);
  try {
    return await task;
  } finally {
    clearInterval(alive);
  }
}

async function moduleAt(path: string): Promise<ApplicationModule> {
  const url = pathToFileURL(resolve(path)).href;
  let module: Partial<ApplicationModule>;
  try {
    module = await import(url);
  } catch (error) {
    throw asFailure(error, 'INVALID_CONFIGURATION', { expected: `--app to name a module; ${resolve(path)} is none` });
  }
  const { createApplication } = module;
  if (typeof createApplication === 'function') return { createApplication };
  throw failure('INVALID_CONFIGURATION', {
    expected: `${path} to export createApplication(settings)`,
    found: `the exports ${Object.keys(module).join(', ') || 'of an empty module'}`,
  });
}
