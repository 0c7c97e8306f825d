import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { jwtVerify, SignJWT } from 'jose';
import { type Clock, failure, systemClock } from 'statewright';

/** What a token lets its holder do, once, as whom. */
export interface TokenClaims {
  readonly purpose: 'verify-email';
  readonly userId: string;
  /** Another address needs another token. */
  readonly email: string;
}

/** Signed tokens that expire; nothing of them is stored. */
export interface Tokens {
  /** A compact JWS, safe in a URL. */
  sign(claims: TokenClaims): Promise<string>;
  /** Resolves when the token was signed here for exactly this and has not expired. @throws FORBIDDEN */
  verify(token: string, claims: TokenClaims): Promise<void>;
}

export interface TokenOptions {
  /** At least 32 characters. */
  readonly secret: string;
  /** Default 3 days. */
  readonly lifetimeMs?: number;
  readonly clock?: Clock;
}

export function createTokens({ secret, lifetimeMs = 3 * dayMs, clock = systemClock }: TokenOptions): Tokens {
  const key = new TextEncoder().encode(secret);
  return {
    sign: ({ purpose, userId, email }) =>
      new SignJWT({ email: email.trim() })
        .setProtectedHeader({ alg })
        .setIssuer(issuer)
        .setAudience(purpose)
        .setSubject(userId)
        .setExpirationTime(new Date(clock.now() + lifetimeMs))
        .sign(key),
    async verify(token, { purpose, userId, email }) {
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: [alg],
          issuer,
          audience: purpose,
          subject: userId,
          requiredClaims: ['exp'],
          currentDate: new Date(clock.now()),
        });
        if (payload.email !== email.trim()) throw new Error('it was sent to another address');
      } catch (error) {
        const found = error instanceof Error ? error.message : 'another';
        const remedy = 'Ask for a new mail.';
        throw failure('FORBIDDEN', { expected: `a valid token to ${purpose}`, found, remedy, cause: error });
      }
    },
  };
}

/** The secret of this data directory: made once, for its owner alone (0600), whichever process comes first.
 * @throws INVALID_CONFIGURATION when the directory can't be used. */
export async function secretIn(directory: string): Promise<string> {
  const path = join(directory, 'token-secret');
  try {
    return (await secretAt(path)) ?? (await newSecretAt(path, directory));
  } catch (cause) {
    const found = (cause as Error).message;
    throw failure('INVALID_CONFIGURATION', {
      expected: `a data directory at ${directory} that can be written`,
      found,
      remedy: 'Check DATA_DIR and its permissions.',
      cause,
    });
  }
}

async function newSecretAt(path: string, directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(randomBytes(48).toString('base64url'));
    await file.sync();
    // A link, not a rename: it fails when another process was first, whose secret then holds.
    await link(draft, path).catch(ignoring('EEXIST'));
  } finally {
    await file.close();
    await rm(draft);
  }
  return readFile(path, 'utf8');
}

const alg = 'HS256';
const issuer = 'statewright';
const dayMs = 86_400_000;

const secretAt = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch((error) => ignoring('ENOENT')(error));

const ignoring =
  (code: string) =>
  (error: NodeJS.ErrnoException): undefined => {
    if (error.code !== code) throw error;
  };
