import { MongoClient } from 'mongodb';
import { rawBatches, rawEvents } from './raw-events.ts';

/** The ceiling of the MongoDB store: one document a batch, its `_id` the next number, one writer, nothing beside it. */
export async function rawMongodbPerSecond(url: string): Promise<number> {
  const client = await MongoClient.connect(url);
  try {
    const commits = client
      .db('raw')
      .collection<{ readonly _id: number; readonly events: readonly object[] }>('commits');
    await commits.drop().catch(() => {});
    const batches = rawBatches();
    const startedMs = performance.now();
    for (const [at, events] of batches.entries()) {
      await commits.insertOne({ _id: at + 1, events }, { writeConcern: { w: 'majority', journal: true } });
    }
    return rawEvents / ((performance.now() - startedMs) / 1_000);
  } finally {
    await client.close();
  }
}
