/** What a consumer tells when it joins its group. */
export interface Claim {
  readonly memberId: string;
  /** The id that it had when it got its partitions; another one when the group gave it up meanwhile. */
  readonly knownAs?: string;
  /** The partitions that it has. */
  readonly held: readonly number[];
  /** Those of them with an event in its hands, or with something done that is not written down yet. */
  readonly busy: readonly number[];
  /** It wants none any more. */
  readonly leaving: boolean;
}

/**
 * Who gets which partitions, as equal as can be, with few changes of hands. A busy partition changes hands only through
 * nobody's: it is given to none until who has it let go and joined once more (KIP-429). So no two consumers ever handle
 * events of one partition at once, and nobody waits for another's handlers while the group joins.
 */
export function shareOut(
  partitions: readonly number[],
  claims: readonly Claim[],
): ReadonlyMap<string, readonly number[]> {
  const held = heldBy(partitions, claims);
  const takers = claims
    .filter(({ leaving }) => !leaving)
    .toSorted((a, b) => countOf(held, b) - countOf(held, a) || (a.memberId < b.memberId ? -1 : 1));
  const quota = (at: number) =>
    Math.floor(partitions.length / takers.length) + (at < partitions.length % takers.length ? 1 : 0);

  const shares = new Map<string, number[]>(claims.map(({ memberId }) => [memberId, []]));
  const free = new Set(partitions);
  for (const claim of claims) {
    const at = takers.indexOf(claim);
    const mine = held.get(claim.memberId) ?? [];
    const busy = mine.filter((partition) => claim.busy.includes(partition));
    const wanted = [...busy, ...mine.filter((partition) => !busy.includes(partition))];
    const kept = at < 0 ? [] : wanted.slice(0, quota(at));
    shares.set(claim.memberId, kept);
    for (const partition of [...kept, ...busy]) free.delete(partition);
  }
  const left = [...free];
  for (const [at, { memberId }] of takers.entries()) {
    const share = shares.get(memberId);
    while (share !== undefined && share.length < quota(at) && left.length > 0) share.push(...left.splice(0, 1));
  }
  return shares;
}

/** Each partition with one holder: who kept its membership before who lost it. */
function heldBy(partitions: readonly number[], claims: readonly Claim[]): ReadonlyMap<string, readonly number[]> {
  const held = new Map<string, number[]>();
  for (const partition of partitions) {
    const holders = claims.filter((claim) => claim.held.includes(partition));
    const holder = holders.find(({ memberId, knownAs }) => memberId === knownAs) ?? holders[0];
    if (holder !== undefined) held.set(holder.memberId, [...(held.get(holder.memberId) ?? []), partition]);
  }
  return held;
}

function countOf(held: ReadonlyMap<string, readonly number[]>, { memberId }: Claim): number {
  return held.get(memberId)?.length ?? 0;
}
