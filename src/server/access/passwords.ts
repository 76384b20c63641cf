/**
 * Passwords: argon2id as OWASP asks for (19 MiB, 2 passes, 1 lane), two at once in this process, so that a flood of logins
 * cannot take the memory and the cores that backups need.
 */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { HoldfastError } from '../../engine/index.ts';
import { isCommonPassword } from './common-passwords.ts';

const PARAMETERS = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const;
const AT_ONCE = 2;
/** About three seconds of work on one core; whoever comes later is told to come again. */
const WAITING_AT_MOST = 50;
const SHORTEST = 10;
const LONGEST = 256;

const derive = promisify(argon2);

/** How many hashes were computed and how many at once at most, for tests and metrics. */
export const hashCounts = { total: 0, running: 0, mostAtOnce: 0 };
const waiting: (() => void)[] = [];

async function hash(password: string, nonce: Buffer): Promise<Buffer> {
  if (hashCounts.running >= AT_ONCE) {
    if (waiting.length >= WAITING_AT_MOST) {
      throw new HoldfastError('too_many_attempts', 'too many people are logging in at this moment');
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else hashCounts.running += 1;
  hashCounts.total += 1;
  hashCounts.mostAtOnce = Math.max(hashCounts.mostAtOnce, hashCounts.running);
  try {
    return (await derive('argon2id', { message: password.normalize('NFC'), nonce, ...PARAMETERS })) as Buffer;
  } finally {
    // The place goes over to the next in line, if there is one.
    const next = waiting.shift();
    if (next) next();
    else hashCounts.running -= 1;
  }
}

/** In the form of PHC: `$argon2id$v=19$m=19456,t=2,p=1$salt$tag`. */
export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(16);
  const tag = await hash(password, nonce);
  const { memory, passes, parallelism } = PARAMETERS;
  const plain = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${plain(nonce)}$${plain(tag)}`;
}

/** In the place of a password for whoever logs in elsewhere: no password gives it. */
export function noPassword(): string {
  const plain = (bytes: number) => randomBytes(bytes).toString('base64').replace(/=+$/, '');
  return `$argon2id$v=19$m=19456,t=2,p=1$${plain(16)}$${plain(32)}`;
}

const NOBODY = `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;

/** With null, for a user who is not there, it takes the same time and is never right. */
export async function isPassword(password: string, stored: string | null): Promise<boolean> {
  const [, , , , salt, tag] = (stored ?? NOBODY).split('$');
  const found = await hash(password.slice(0, LONGEST), Buffer.from(salt!, 'base64'));
  const isEqual = timingSafeEqual(found, Buffer.from(tag!, 'base64'));
  return isEqual && stored !== null;
}

/** Throws `password_weak` with the reason. */
export function refuseWeakPassword(password: string, userName: string): void {
  const plain = password.normalize('NFC').toLowerCase();
  const why =
    [...plain].length < SHORTEST
      ? `it has fewer than ${SHORTEST} characters`
      : plain.length > LONGEST
        ? `it has more than ${LONGEST} characters`
        : new Set(plain).size < 5
          ? 'it repeats very few characters'
          : isCommonPassword(plain)
            ? 'it is among the most common ones'
            : userName.length > 2 && plain.includes(userName.toLowerCase())
              ? 'it holds the name of the user'
              : null;
  if (why !== null) throw new HoldfastError('password_weak', `this password is easy to guess: ${why}`);
}
