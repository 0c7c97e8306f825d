import { type Admin, AssignerProtocol } from 'kafkajs';

/** Where the group has to begin in each partition of the topic; undefined where it never was. */
export async function committedOffsets(
  admin: Admin,
  groupId: string,
  topic: string,
): Promise<ReadonlyMap<number, number | undefined>> {
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const entries = (found?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)] as const);
  return new Map(entries.map(([partition, offset]) => [partition, offset < 0 ? undefined : offset]));
}

/** Behind the last message of each partition. */
export async function endOffsets(admin: Admin, topic: string): Promise<ReadonlyMap<number, number>> {
  const found = await admin.fetchTopicOffsets(topic);
  return new Map(found.map(({ partition, high }) => [partition, Number(high)]));
}

/** The partitions that some member of the group has. */
export async function ownedPartitions(admin: Admin, groupId: string, topic: string): Promise<ReadonlySet<number>> {
  const { groups } = await admin.describeGroups([groupId]);
  const members = groups.flatMap((group) => group.members);
  return new Set(
    members.flatMap(({ memberAssignment }) => {
      if (memberAssignment.length === 0) return [];
      return AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment[topic] ?? [];
    }),
  );
}
