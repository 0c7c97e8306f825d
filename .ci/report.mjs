// Ends CI with the counts of the runner's JSON report; fails when a command or a test failed, or when no test ran.
import { readFileSync } from 'node:fs';

const [path, ...exitCodes] = process.argv.slice(2);
const { testResults } = JSON.parse(readFileSync(path, 'utf8'));
const tests = testResults.flatMap((file) => file.assertionResults);
const count = (state) => tests.filter(({ status }) => status === state).length;
const passed = count('passed');
const failed =
  count('failed') + testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;

const [checked, tested] = exitCodes;
if (checked !== '0') console.log('npm run check failed');
if (tested !== '0') console.log('npm run test:servers failed');
console.log(`${passed} passed, ${failed} failed, ${tests.length - passed - count('failed')} skipped`);
process.exitCode = checked === '0' && tested === '0' && failed === 0 && passed > 0 ? 0 : 1;
