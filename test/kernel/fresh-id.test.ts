import { expect, it, vi } from 'vitest';
import { freshId } from '../../src/kernel/fresh-id.ts';

it('makes ids that never collide, in one millisecond and whatever Math.random says', () => {
  const clock = vi.spyOn(Date, 'now').mockReturnValue(1_767_225_600_000);
  const random = vi.spyOn(Math, 'random').mockReturnValue(0.5);
  const ids = Array.from({ length: 100_000 }, freshId);
  clock.mockRestore();
  random.mockRestore();
  expect(new Set(ids).size).toBe(100_000);
  expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(
    true,
  );
});

it('makes ids that sort by the millisecond they were made in', () => {
  const clock = vi.spyOn(Date, 'now');
  const ids = [1, 2, 3].map((later) => {
    clock.mockReturnValue(1_767_225_600_000 + later);
    return freshId();
  });
  clock.mockRestore();
  expect([...ids].sort()).toEqual(ids);
});
