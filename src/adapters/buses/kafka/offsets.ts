import type { Admin } from 'kafkajs';

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
