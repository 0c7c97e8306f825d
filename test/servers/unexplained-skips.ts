/** The part of the runner's JSON report that is read here. */
interface Report {
  readonly testResults: readonly { readonly assertionResults: readonly Result[] }[];
}

interface Result {
  readonly status: string;
  readonly title: string;
  readonly fullName: string;
}

/** The tests that were skipped without saying why at the end of their names, `… (reason)`, as suites do by feature. */
export function unexplainedSkips(report: string): readonly string[] {
  const { testResults }: Report = JSON.parse(report);
  return testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status, title }) => !['passed', 'failed'].includes(status) && !/\(.+\)$/.test(title))
    .map(({ fullName }) => fullName);
}
