import { v5 } from 'uuid';

/** The same id for the same parts, always and everywhere: a UUIDv5 of them. */
export function derivedId(kind: string, ...parts: readonly string[]): string {
  return v5(JSON.stringify([kind, ...parts]), namespace);
}

/** Statewright's own, drawn once; changing it changes every derived id. */
const namespace = '6f1a5d0e-8f0b-4c55-9f8e-2c1d5b7a9e43';
