import { failure } from './errors.ts';

/** A claim as it is compared: Unicode NFKC, trimmed, lower case, kind and value each.
 * @throws DECIDE_FAILED for a text that isn't `kind:value`. */
export function normaliseClaim(claim: string): string {
  const colon = claim.indexOf(':');
  const kind = folded(claim.slice(0, Math.max(colon, 0)));
  const value = folded(claim.slice(colon + 1));
  if (kind !== '' && value !== '') return `${kind}:${value}`;
  throw failure('DECIDE_FAILED', { expected: 'a claim of the form kind:value', found: JSON.stringify(claim) });
}

/** What is before the first colon. */
export function kindOf(claim: string): string {
  return claim.slice(0, claim.indexOf(':'));
}

/** Normalised, each once, sorted: so that two lists compare item by item. */
export function normaliseClaims(claims: readonly string[]): readonly string[] {
  if (claims.length === 0) return claims;
  return [...new Set(claims.map(normaliseClaim))].sort();
}

// Lower case can undo NFKC (İ), so it is applied again.
function folded(text: string): string {
  if (plain.test(text)) return text;
  return text.normalize('NFKC').toLowerCase().normalize('NFKC').trim();
}

/** Printable ASCII without spaces and capitals is folded already, and is what most claims are made of. */
const plain = /^[!-@[-~]*$/;
