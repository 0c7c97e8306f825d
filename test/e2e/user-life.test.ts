import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { liveALife } from './user-life.ts';

liveALife({
  durable: true,
  async forgetReadModels(dataDir) {
    const file = (await readdir(dataDir)).find((name) => name.endsWith('.db'));
    const database = new DatabaseSync(join(dataDir, String(file)));
    database.exec('DELETE FROM generations; DELETE FROM read_model_rows; DELETE FROM read_model_index');
    database.close();
  },
});
