import { AssignerProtocol, type PartitionAssigner } from 'kafkajs';
import { type Claim, shareOut } from './sharing.ts';

/** kafkajs' way to share out a topic's partitions, by claims. @param claim asked whenever this consumer joins. */
export function claimAssigner(topic: string, claim: () => Omit<Claim, 'memberId'>): PartitionAssigner {
  // Without it a consumer that joins once more with the same claims would not make the others join (Kafka, "JoinGroup").
  let joins = 0;
  return ({ cluster }) => ({
    name: 'statewright',
    version,
    protocol({ topics }) {
      const userData = Buffer.from(JSON.stringify({ ...claim(), joins: ++joins }));
      return { name: 'statewright', metadata: AssignerProtocol.MemberMetadata.encode({ version, topics, userData }) };
    },
    async assign({ members }) {
      const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
      const claims = members.map(({ memberId, memberMetadata }) => ({ ...decoded(memberMetadata), memberId }));
      return [
        ...shareOut(
          partitions.toSorted((a, b) => a - b),
          claims,
        ),
      ].map(([memberId, share]) => ({
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({
          version,
          assignment: { [topic]: [...share] },
          userData: Buffer.alloc(0),
        }),
      }));
    },
  });
}

const version = 1;

/** Only members with this assigner are in the group: Kafka lets nobody in who knows none of its members' protocols. */
function decoded(metadata: Buffer): Omit<Claim, 'memberId'> {
  const userData = AssignerProtocol.MemberMetadata.decode(metadata)?.userData;
  return JSON.parse(userData?.toString() || '{"held":[],"busy":[],"leaving":false}');
}
