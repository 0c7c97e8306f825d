import type { Progress } from '../../src/cli/progress.ts';

/** For who watches nothing. */
export const noProgress: Progress = { of() {}, to() {}, end() {} };
