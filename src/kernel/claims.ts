/** A claim as it is compared: Unicode NFKC, trimmed, lower case; the kind before the first colon stays a word. */
export function normaliseClaim(claim: string): string {
  const colon = claim.indexOf(':');
  return `${folded(claim.slice(0, colon))}:${folded(claim.slice(colon + 1))}`;
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
  return text.normalize('NFKC').toLowerCase().normalize('NFKC').trim();
}
