import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** This package's version. Read, not imported: a copy of package.json in `dist` would be another package's root. */
export const version: string = JSON.parse(
  readFileSync(fileURLToPath(import.meta.resolve('statewright/package.json')), 'utf8'),
).version;
