import type { Redis } from 'ioredis';

/**
 * In a Redis Cluster one node at a time has the store, since its keys share a hash tag; another node is told so by who
 * is asked there (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#moved-redirection).
 */
export interface ClusterNodes {
  /** If the error says that another node has the store, goes there and tells so. The command was not done. */
  follow(error: unknown): boolean;
  /** For a connection that can't be made: leads the second try and those after it to one node after another. */
  tryNext(tries: number): void;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

type Slots = readonly (readonly [from: number, to: number, ...nodes: (readonly [host: string, port: number])[]])[];

export function clusterNodes(redis: Redis): ClusterNodes {
  let nodes: readonly Address[] = [];

  redis.on('ready', () => {
    redis.call('CLUSTER', 'SLOTS').then(
      (slots) => {
        const all = (slots as Slots).flatMap(([, , ...found]) => found);
        nodes = all.flatMap(([host, port]) => (host ? [{ host, port }] : []));
      },
      // No cluster, or not to be asked about it.
      () => {},
    );
  });

  const goTo = ({ host, port }: Address) => Object.assign(redis.options, { host, port });

  return {
    follow(error) {
      const [, host, port] = /^MOVED \d+ (.+):(\d+)$/.exec(error instanceof Error ? error.message : '') ?? [];
      if (host === undefined) return false;
      goTo({ host, port: Number(port) });
      redis.disconnect(true);
      return true;
    },

    tryNext(tries) {
      const next = nodes[tries % nodes.length];
      if (next !== undefined && tries > 1) goTo(next);
    },
  };
}
