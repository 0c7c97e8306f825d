// Reads the runner's JSON report and ends with its counts: fails when a check or a test failed, when no test ran, and
// when a test was skipped without a reason in its name, `… (reason)`, as the conformance suites skip by feature.
import { readFileSync } from 'node:fs';

const [path, ...exitCodes] = process.argv.slice(2);
const { testResults } = JSON.parse(readFileSync(path, 'utf8'));
const tests = testResults.flatMap((file) => file.assertionResults);
const count = (...states) => tests.filter(({ status }) => states.includes(status)).length;
const passed = count('passed');
const failed =
  count('failed') + testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
const skipped = tests.length - passed - count('failed');
const unexplained = tests.filter(
  ({ status, title }) => !['passed', 'failed'].includes(status) && !/\(.+\)$/.test(title),
);

for (const { fullName } of unexplained) console.log(`skipped without a reason: ${fullName}`);
if (exitCodes[0] !== '0') console.log('npm run check failed');
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
const good = exitCodes.every((code) => code === '0') && failed === 0 && passed > 0 && unexplained.length === 0;
process.exitCode = good ? 0 : 1;
