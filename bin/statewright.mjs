#!/usr/bin/env node
// Plain JavaScript that any Node.js runs: an old one must be told so before it meets what it can't read.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 24)
  fail(
    'UNSUPPORTED_NODE',
    `expected Node.js 24 or later; found ${process.versions.node}. In a checkout, \`npm ci\` installs one.`,
  );

// In a checkout the sources run as they are; the published package has only what was built of them.
const source = import.meta.resolve('statewright').endsWith('.ts');
const entry = new URL(source ? '../src/cli.ts' : '../dist/src/cli.js', import.meta.url);
if (!existsSync(fileURLToPath(entry)))
  fail('INVALID_CONFIGURATION', 'it is not built. Run `npm run build`, or `npm start`.');
await import(entry.href);

function fail(code, text) {
  console.error(`statewright: ${code}: ${text}`);
  process.exit(1);
}
