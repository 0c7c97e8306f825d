// What stands between the runtime and whatever may not answer; each part is a file of its own.
export { type Breaker, type BreakerOptions, type BreakerState, createBreaker } from './breaker.ts';
export { isPassing } from './passing.ts';
export { type RetryOptions, retrying } from './retry.ts';
