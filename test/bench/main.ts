import { busBenches } from './buses.ts';
import { localBenches } from './local.ts';
import { line, type Measured, meets } from './report.ts';
import { storeBenches } from './stores.ts';

// `npm run bench`: what runs in this process alone. `npm run bench -- stores` or `buses`: beside real servers, which it
// starts; `-- stores redis` beside those alone.

const benches = { local: localBenches, stores: storeBenches, buses: busBenches };
const [which = 'local', only] = process.argv.slice(2);
const run = Object.entries(benches).find(([name]) => name === which)?.[1];
if (run === undefined) throw new Error(`Expected one of ${Object.keys(benches).join(', ')}, found ${which}.`);

const failed: string[] = [];
/** Prints a line as soon as it is measured. */
const report = (measured: Measured) => {
  console.log(line(measured));
  if (!meets(measured)) failed.push(measured.name);
};
await run(report, only);

if (failed.length > 0) {
  console.error(`Short of its goal: ${failed.join('; ')}`);
  process.exitCode = 1;
}
