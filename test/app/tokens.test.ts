import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createTokens, secretIn, type TokenClaims } from '../../src/app/tokens.ts';
import { systemClock } from '../../src/kernel/clock.ts';

const secret = 'a secret of more than thirty-two characters';
const claims: TokenClaims = { purpose: 'verify-email', userId: 'u1', email: 'Ada@example.com' };
const forbidden = { code: 'FORBIDDEN' };

test('a token is accepted for the user and the address that it was signed for', async () => {
  const tokens = createTokens({ secret });
  await tokens.verify(await tokens.sign(claims), claims);
  await tokens.verify(await tokens.sign({ ...claims, email: ' Ada@example.com ' }), claims);
});

test('a token of another user, address or purpose is refused', async () => {
  const tokens = createTokens({ secret });
  const token = await tokens.sign(claims);
  await expect(tokens.verify(token, { ...claims, userId: 'u2' })).rejects.toMatchObject(forbidden);
  await expect(tokens.verify(token, { ...claims, email: 'eve@example.com' })).rejects.toMatchObject(forbidden);
  const other = { ...claims, purpose: 'reset-password' } as unknown as TokenClaims;
  await expect(tokens.verify(await tokens.sign(other), claims)).rejects.toMatchObject(forbidden);
});

test('a token expires', async () => {
  let now = Date.UTC(2026, 0, 1);
  const tokens = createTokens({ secret, lifetimeMs: 60_000, clock: { ...systemClock, now: () => now } });
  const token = await tokens.sign(claims);
  now += 59_000;
  await tokens.verify(token, claims);
  now += 2_000;
  await expect(tokens.verify(token, claims)).rejects.toMatchObject(forbidden);
});

test('a changed token, one without signature and one of another secret are refused', async () => {
  const tokens = createTokens({ secret });
  const [header, payload, signature] = (await tokens.sign(claims)).split('.');
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
  const foreign = await createTokens({ secret: `${secret}!` }).sign(claims);
  for (const token of [`${header}.${payload}x.${signature}`, unsigned, foreign, '', 'nonsense']) {
    await expect(tokens.verify(token, claims)).rejects.toMatchObject(forbidden);
  }
});

const directory = await mkdtemp(join(tmpdir(), 'statewright-secret-'));
afterAll(() => rm(directory, { recursive: true }));

test('the secret of a data directory is made once, also by many at once, for the owner alone', async () => {
  const inner = join(directory, 'data');
  const secrets = await Promise.all(Array.from({ length: 20 }, () => secretIn(inner)));
  expect(new Set([...secrets, await secretIn(inner)]).size).toBe(1);
  expect(secrets[0]).toMatch(/^[\w-]{64}$/);
  expect((await stat(join(inner, 'token-secret'))).mode & 0o777).toBe(0o600);
  expect(await readFile(join(inner, 'token-secret'), 'utf8')).toBe(secrets[0]);
});

test('a directory that cannot be used is told as such', async () => {
  const file = join(directory, 'a file');
  await writeFile(file, '');
  await expect(secretIn(join(file, 'data'))).rejects.toMatchObject({ code: 'INVALID_CONFIGURATION' });
});
