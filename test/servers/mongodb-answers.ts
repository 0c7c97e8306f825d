import { MongoClient } from 'mongodb';

/** Rejects while the server at this address doesn't answer a ping in MongoDB's protocol. */
export async function mongodbAnswers(url: string): Promise<void> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 500, directConnection: true });
  try {
    await client.db('admin').command({ ping: 1 });
  } finally {
    await client.close();
  }
}
