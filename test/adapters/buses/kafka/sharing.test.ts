import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Claim, shareOut } from '../../../../src/adapters/buses/kafka/sharing.ts';

const partitions = Array.from({ length: 16 }, (_, partition) => partition);
const fresh = (memberId: string): Claim => ({ memberId, held: [], busy: [], leaving: false });
const sizes = (shares: ReadonlyMap<string, readonly number[]>) => [...shares.values()].map(({ length }) => length);

/** Claims as members make them: who stayed holds partitions that no other who stayed holds. */
const claims = fc
  .record({
    holders: fc.array(fc.integer({ min: -1, max: 5 }), { minLength: 16, maxLength: 16 }),
    busy: fc.array(fc.boolean(), { minLength: 16, maxLength: 16 }),
    members: fc.array(fc.record({ stayed: fc.boolean(), leaving: fc.boolean() }), { minLength: 1, maxLength: 6 }),
  })
  .map(({ holders, busy, members }) =>
    members.map(({ stayed, leaving }, at): Claim => {
      const memberId = `m${at}`;
      const held = partitions.filter((partition) => holders[partition] === at);
      return { memberId, knownAs: stayed ? memberId : 'before', held, busy: held.filter((one) => busy[one]), leaving };
    }),
  );

it('gives every partition to one member at most, and none to who leaves', () => {
  fc.assert(
    fc.property(claims, (all) => {
      const shares = shareOut(partitions, all);
      const given = [...shares.values()].flat();
      expect(new Set(given).size).toBe(given.length);
      expect([...shares.keys()].toSorted()).toEqual(all.map(({ memberId }) => memberId).toSorted());
      for (const { memberId, leaving } of all) if (leaving) expect(shares.get(memberId)).toEqual([]);
    }),
  );
});

it('never gives a busy partition to another than who is busy with it', () => {
  fc.assert(
    fc.property(claims, (all) => {
      const shares = shareOut(partitions, all);
      for (const { memberId, busy } of all)
        for (const [other, share] of shares)
          if (other !== memberId) expect(share.filter((partition) => busy.includes(partition))).toEqual([]);
    }),
  );
});

it('has shared out everything equally once who is busy has let go and joined again', () => {
  fc.assert(
    fc.property(claims, (all) => {
      const first = shareOut(partitions, all);
      const again = all
        .filter(({ leaving }) => !leaving)
        .map((claim): Claim => {
          const held = first.get(claim.memberId) ?? [];
          return { ...claim, knownAs: claim.memberId, held, busy: claim.busy.filter((one) => held.includes(one)) };
        });
      if (again.length === 0) return;
      const second = shareOut(partitions, again);
      expect([...second.values()].flat().toSorted((a, b) => a - b)).toEqual(partitions);
      expect(Math.max(...sizes(second)) - Math.min(...sizes(second))).toBeLessThanOrEqual(1);
      for (const { memberId, held } of again) expect(second.get(memberId)).toEqual(expect.arrayContaining([...held]));
    }),
  );
});

it('moves no more than the newcomer’s share', () => {
  const shares = shareOut(partitions, [fresh('a'), fresh('b')]);
  const held = [...shares].map(([memberId, share]) => ({ ...fresh(memberId), knownAs: memberId, held: share }));
  const joined = shareOut(partitions, [...held, fresh('c')]);
  expect(sizes(joined)).toEqual([6, 5, 5]);
  for (const one of held) {
    const kept = (joined.get(one.memberId) ?? []).filter((partition) => one.held.includes(partition));
    expect(kept).toEqual(joined.get(one.memberId));
  }
});

it('believes who kept its membership before who lost it', () => {
  const lost: Claim = { memberId: 'a2', knownAs: 'a1', held: [...partitions], busy: [0], leaving: false };
  const kept: Claim = { memberId: 'b', knownAs: 'b', held: [0, 1], busy: [], leaving: false };
  const shares = shareOut(partitions, [lost, kept]);
  expect(shares.get('b')).toEqual(expect.arrayContaining([0, 1]));
});
