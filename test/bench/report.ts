/** One line of the benchmark's report. */
export interface Measured {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Of the same work done with the least code, measured in the same run. */
  readonly baseline?: { readonly name: string; readonly value: number };
  /** What the line must show; the run fails when it does not. */
  readonly goal?: { readonly atLeast: number } | { readonly atMost: number };
}

/** Takes each line as soon as it is measured. */
export type Report = (measured: Measured) => void;

/** The figure that the goal speaks of: the ratio to the baseline where there is one. */
function judged({ value, baseline }: Measured): number {
  return baseline === undefined ? value : value / baseline.value;
}

export function meets(measured: Measured): boolean {
  const { goal } = measured;
  if (goal === undefined) return true;
  return 'atLeast' in goal ? judged(measured) >= goal.atLeast : judged(measured) <= goal.atMost;
}

/** Such as `commands/s on sqlite: 31,200 (0.41 of raw group commit 76,100; goal ≥ 0.25)`. */
export function line(measured: Measured): string {
  const { name, value, unit, baseline, goal } = measured;
  const facts: string[] = [];
  if (baseline !== undefined)
    facts.push(`${(value / baseline.value).toFixed(2)} of ${baseline.name} ${count(baseline.value)}`);
  if (goal !== undefined) facts.push('atLeast' in goal ? `goal ≥ ${goal.atLeast}` : `goal ≤ ${goal.atMost}`);
  const verdict = goal === undefined ? '' : meets(measured) ? ' ✓' : ' ✗';
  return `${name}: ${count(value)} ${unit}${facts.length === 0 ? '' : ` (${facts.join('; ')})`}${verdict}`;
}

function count(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 2 : 0 });
}

/** The median of several runs of `measure`, since these machines are shared and noisy. */
export async function median(runs: number, measure: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let run = 0; run < runs; run += 1) values.push(await measure());
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
