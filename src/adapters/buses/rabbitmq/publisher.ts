import type { ChannelModel, ConfirmChannel } from 'amqplib';
import type { Clock, TimerHandle } from '../../../kernel/clock.ts';
import { settledWithin } from '../settled-within.ts';
import type { OutgoingMessage } from './messages.ts';
import { declareExchanges, type Names } from './topology.ts';

export interface PublisherOptions {
  readonly names: Names;
  readonly clock: Clock;
  /** Told when the connection is no good: what was published is not confirmed any more. */
  readonly stuck: () => void;
}

/** Publishes in the order of the calls; the broker confirms a message when its queues have it on disk. */
export interface Publisher {
  /** From now on over this connection. */
  begin(model: ChannelModel): Promise<void>;
  /** Resolves when all are confirmed; some may have been taken when it rejects. */
  publish(messages: readonly OutgoingMessage[]): Promise<void>;
  /** Resolves when the broker answers. */
  ping(): Promise<void>;
}

/** For so long some confirmation is waited for, while any is due. */
const patienceMs = 5_000;
const pingMs = 3_000;

interface Line {
  readonly channel: ConfirmChannel;
  /** Why the broker closed the channel. */
  refusal: Error | undefined;
}

export function createPublisher({ names, clock, stuck }: PublisherOptions): Publisher {
  let line: Line | undefined;
  let due = 0;
  let heardAtMs = 0;
  let watching: TimerHandle | undefined;

  async function begin(model: ChannelModel): Promise<void> {
    const fresh: Line = { channel: await model.createConfirmChannel(), refusal: undefined };
    fresh.channel.on('error', (error) => {
      fresh.refusal = error;
    });
    fresh.channel.on('close', () => {
      if (line !== fresh) return;
      line = undefined;
      // The channel alone was closed: the exchange was removed, or a message was too large for the broker.
      if (fresh.refusal !== undefined) begin(model).catch(stuck);
    });
    await declareExchanges(fresh.channel, names);
    line = fresh;
  }

  function ready(): Line {
    if (line === undefined) throw new Error('no connection');
    return line;
  }

  function watch(): void {
    const waitMs = heardAtMs + patienceMs - clock.monotonicMs();
    watching = undefined;
    if (due === 0) return;
    if (waitMs > 0) watching = clock.setTimeout(watch, waitMs);
    else stuck();
  }

  return {
    begin,

    async publish(messages) {
      const target = ready();
      if (messages.length === 0) return;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      let unconfirmed = messages.length;
      const confirmed = (error: Error | null) => {
        due -= 1;
        unconfirmed -= 1;
        heardAtMs = clock.monotonicMs();
        if (error !== null) reject(target.refusal ?? error);
        else if (unconfirmed === 0) resolve();
      };
      if (due === 0) heardAtMs = clock.monotonicMs();
      try {
        for (const { routingKey, content, options } of messages) {
          target.channel.publish(names.events, routingKey, content, options, confirmed);
          due += 1;
        }
      } catch (error) {
        reject(error);
      }
      if (watching === undefined) watch();
      await promise;
    },

    async ping() {
      const answer = ready().channel.checkExchange(names.events);
      if (!(await settledWithin(clock, pingMs, answer))) throw new Error(`no answer within ${pingMs} ms`);
      await answer;
    },
  };
}
