/**
 * A process that appends to streams which others append to as well: `node sqlite-racer.ts <file> <appends> <streams>`.
 * It reads a stream's version and appends behind it; when another was faster, it tries again.
 */
import { sqliteStore } from '../../../src/adapters/stores/sqlite/sqlite.ts';
import { append } from '../../../src/testing/store-fixtures.ts';

const [file = '', appends = '0', streams = '1'] = process.argv.slice(2);
const store = sqliteStore({ file });
let conflicts = 0;
for (let count = 0; count < Number(appends); ) {
  const stream = { type: 'Account', id: String(count % Number(streams)) };
  const { version } = await store.events.streamHead(stream);
  // Lets the others in between reading and appending.
  await new Promise(setImmediate);
  const outcome = await append(store, stream, version);
  if (outcome.kind === 'committed') count += 1;
  else conflicts += 1;
}
await store.close();
process.stdout.write(JSON.stringify({ conflicts }));
