import type { JetStreamManager } from 'nats';
import { failure } from '../../../kernel/errors.ts';
import { apiErrorOf, apiErrors } from './connection.ts';
import { partitionsOf, streamConfig, type Topology } from './topology.ts';

export interface StreamOptions {
  /** Of a stream that is not there yet; one that is keeps its own. */
  readonly partitions: number;
  readonly replicas: number;
  readonly forgetAfterMs: number;
}

/**
 * Creates the stream when it is not there. Several may do so at once.
 * @returns into how many partitions it is divided
 * @throws INVALID_CONFIGURATION when another stream has its name or its subjects
 */
export async function ensureStream(
  jetStream: JetStreamManager,
  namespace: string,
  topology: Topology,
  options: StreamOptions,
): Promise<number> {
  const config = (await existing(jetStream, topology)) ?? (await created());
  const partitions = partitionsOf(config);
  if (partitions !== undefined) return partitions;
  throw failure('INVALID_CONFIGURATION', {
    expected: `a stream ${topology.stream} that Statewright made, or none`,
    found: 'one of somebody else',
    remedy: 'Choose another namespace.',
  });

  async function created() {
    try {
      return (await jetStream.streams.add(streamConfig(namespace, topology, options))).config;
    } catch (error) {
      // Somebody else was faster, with other options.
      const config = apiErrorOf(error) === apiErrors.streamNameTaken && (await existing(jetStream, topology));
      if (config) return config;
      if (apiErrorOf(error) === apiErrors.subjectsOverlap)
        throw failure('INVALID_CONFIGURATION', {
          expected: `no other stream on the subjects ${namespace}.events.>`,
          found: 'one',
          remedy: 'Choose another namespace, or remove that stream.',
          cause: error,
        });
      throw error;
    }
  }
}

async function existing(jetStream: JetStreamManager, { stream }: Topology) {
  try {
    return (await jetStream.streams.info(stream)).config;
  } catch (error) {
    if (apiErrorOf(error) === apiErrors.streamNotFound) return undefined;
    throw error;
  }
}
