/** Where the bank's log is: `LOAN_LOG`, or beside the repository. Tests that need it are skipped without it. */
export const loanLog =
  process.env.LOAN_LOG ?? new URL('../../../shared/data/loan-applications.jsonl.gz', import.meta.url).pathname;
