import { MongoClient } from 'mongodb';
import { type CommitDocument, commitId, typeTerms } from '../../src/adapters/stores/mongodb/commit-documents.ts';
import { mongodbStore } from '../../src/adapters/stores/mongodb/mongodb.ts';
import { type RawEvent, rawBatch, rawBatches, rawEvents, rawFingerprint } from './raw-events.ts';

/**
 * What MongoDB takes of the store: its commits, one document a batch, one after the other, with its indexes. Nothing is
 * looked up, checked, encoded or answered.
 */
export async function mongodbCommitsPerSecond(url: string): Promise<number> {
  const client = await MongoClient.connect(url);
  try {
    const commits = client.db('statewright').collection<CommitDocument>('raw_commits');
    await commits.drop().catch(() => {});
    const store = await mongodbStore({ url, namespace: 'raw' });
    await store.close();
    const batches = rawBatches().map(commitOf);
    const startedMs = performance.now();
    for (const commit of batches) await commits.insertOne(commit, { writeConcern: { w: 'majority', journal: true } });
    return rawEvents / ((performance.now() - startedMs) / 1_000);
  } finally {
    await client.close();
  }
}

function commitOf(events: readonly RawEvent[], at: number): CommitDocument {
  const nowMs = Date.now();
  return {
    ...{ _id: commitId(at + 1), by: `raw/${at}`, writer: 'raw', done: at, at: nowMs, eventAt: nowMs },
    ...{ position: at * rawBatch, count: events.length, horizon: 0, kept: 0, restored: 0 },
    types: typeTerms('User', 'UserProfileUpdated'),
    correlations: events.map(({ commandId }) => commandId),
    entries: JSON.stringify(
      events.map(({ streamId, version, id, type, commandId }, place) => ({
        stream: { type: 'User', id: streamId },
        version: version - 1,
        events: [[id, type, place]],
        command: { id: commandId, fingerprint: rawFingerprint },
      })),
    ),
    payloads: events.map(({ data, meta }) => `{"data":${data},"meta":${meta}}`),
  };
}
