/** A stream of events: those of one type of aggregates that fall into one partition. */
export interface Place {
  readonly aggregate: string;
  readonly partition: number;
}

/** The names of everything the bus keeps on the server. The braces put them in one slot of a cluster. */
export interface Keys {
  /** Stream: the events of a place, an entry each, with the fields `type` and `cloudevent`. */
  events(place: Place): string;
  /** Set: the types of aggregates that have events. */
  readonly aggregates: string;
  /** Text: how many partitions there are. */
  readonly partitions: string;
  /** Sorted set: the members of a group by when they are taken for dead; one that leaves begins with `-`. */
  members(group: string): string;
  /** Hash: partition → the one member of the group that reads it. */
  owners(group: string): string;
  /** Hash: group → when one of its members was last alive. */
  readonly groups: string;
  /** Channel: the places that have something new, as JSON. */
  readonly bell: string;
  /** Channel: the name of a group whose members changed. */
  readonly changes: string;
}

export function keysOf(namespace: string): Keys {
  const name = (rest: string) => `{${namespace}}:${rest}`;
  return {
    events: ({ aggregate, partition }) => name(`events:${aggregate}:${partition}`),
    aggregates: name('bus:aggregates'),
    partitions: name('bus:partitions'),
    members: (group) => name(`bus:members:${group}`),
    owners: (group) => name(`bus:owners:${group}`),
    groups: name('bus:groups'),
    bell: name('bus:bell'),
    changes: name('bus:changes'),
  };
}
