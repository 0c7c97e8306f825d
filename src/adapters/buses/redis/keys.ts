/** The names of everything the bus keeps on the server. The braces put them in one slot of a cluster. */
export interface Keys {
  /** Stream: the events of one partition, an entry each, with the fields `type` and `cloudevent`. */
  stream(partition: number): string;
  /** Sorted set: the members of a group by when they are taken for dead; one that leaves begins with `-`. */
  members(group: string): string;
  /** Hash: partition → the one member of the group that reads it. */
  owners(group: string): string;
  /** Hash: group → when one of its members was last alive. */
  readonly groups: string;
  /** Text: how many partitions there are. */
  readonly partitions: string;
  /** Channel: a list of partitions that have something new, or `group:` and the name of one whose members changed. */
  readonly bell: string;
}

export function keysOf(namespace: string): Keys {
  const name = (rest: string) => `{${namespace}}:events:${rest}`;
  return {
    stream: (partition) => name(String(partition)),
    members: (group) => name(`members:${group}`),
    owners: (group) => name(`owners:${group}`),
    groups: name('groups'),
    partitions: name('partitions'),
    bell: name('bell'),
  };
}

/** What the bell says when the members of a group changed. */
export const groupBell = 'group:';
