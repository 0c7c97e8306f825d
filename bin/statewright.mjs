#!/usr/bin/env node
// Plain JavaScript that any Node.js runs: an old one must be told so before it meets what it can't read.
import { existsSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';

const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 24) {
  const found = process.versions.node;
  console.error(
    `statewright: UNSUPPORTED_NODE: expected Node.js 24 or later; found ${found}. In a checkout, \`npm ci\` installs one.`,
  );
  process.exit(1);
}

// Before anything is optimised: docs/decisions/0009-pretenuring.md.
setFlagsFromString('--no-allocation-site-pretenuring');

// In a checkout the sources run as they are; the published package has only what was built of them.
const source = new URL('../src/cli.ts', import.meta.url);
if (existsSync(source)) {
  const { registerHooks } = await import('node:module');
  registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, { ...context, conditions: [...context.conditions, 'statewright:source'] }),
  });
  await import(source.href);
} else await import('../dist/src/cli.js');
