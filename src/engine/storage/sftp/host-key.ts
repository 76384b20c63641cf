import { createHash } from 'node:crypto';
import { HoldfastError } from '../../base/errors.ts';
import { type KnownKey, knownKeysOf } from './known-hosts.ts';

/** What is known of a server before it is asked. */
export interface HostTrust {
  readonly host: string;
  readonly port: number;
  readonly fingerprints: readonly string[];
  readonly known: readonly KnownKey[];
}

/** A SHA-256 in base64 without padding, as OpenSSH writes it. */
const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}$/;

export function isFingerprint(text: string): boolean {
  return FINGERPRINT.test(text);
}

/** `SHA256:…` of a public key in its wire form, equal to what `ssh-keygen -lf` shows. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The algorithm a public key in its wire form names itself, such as `ssh-ed25519`; `unknown` for what is no name. */
function keyTypeOf(key: Buffer): string {
  const length = key.length < 4 ? 0 : key.readUInt32BE(0);
  const name = key.subarray(4, 4 + Math.min(length, 64)).toString('latin1');
  return /^[a-z0-9@.-]+$/i.test(name) ? name : 'unknown';
}

/** Throws `usage` for a fingerprint that is none. */
export function hostTrust(input: {
  readonly host: string;
  readonly port: number;
  readonly fingerprints: readonly string[];
  readonly knownHosts: string;
}): HostTrust {
  const { host, port } = input;
  const fingerprints = input.fingerprints.map((text) => {
    const trimmed = text.trim().replace(/=+$/, '');
    if (isFingerprint(trimmed)) return trimmed;
    throw new HoldfastError('usage', `${text} is not the fingerprint of a host key`, {
      next: 'give it as ssh-keygen -lf shows it: SHA256: and 43 characters',
    });
  });
  return { host, port, fingerprints, known: knownKeysOf(input.knownHosts, host, port) };
}

/**
 * Null when the server may be trusted with this key; otherwise the error to end with. Fingerprints, where given,
 * decide alone: they were named for this very destination.
 */
export function judgeHostKey(trust: HostTrust, key: Buffer): HoldfastError | null {
  const shown = fingerprintOf(key);
  const typed = `${keyTypeOf(key)} ${shown}`;
  const server = trust.port === 22 ? trust.host : `${trust.host}:${trust.port}`;
  const isRevoked = trust.known.some((one) => one.isRevoked && one.key.equals(key));
  if (isRevoked) return changed(`the host key ${shown} of ${server} is marked as revoked in known_hosts`);
  if (trust.fingerprints.length > 0) {
    if (trust.fingerprints.includes(shown)) return null;
    return changed(`${server} shows the host key ${typed}, expected was ${trust.fingerprints.join(' or ')}`);
  }
  const known = trust.known.filter((one) => !one.isRevoked);
  if (known.some((one) => one.key.equals(key))) return null;
  if (known.length > 0) {
    const expected = known.map((one) => fingerprintOf(one.key)).join(' or ');
    return changed(`${server} shows the host key ${typed}, known_hosts has ${expected}`);
  }
  return new HoldfastError('host_key_unknown', `the host key of ${server} is not known: it shows ${typed}`, {
    next: `compare it with ssh-keygen -lf on the server; if equal, set SFTP_HOST_KEY=${shown} or add ?hostKey=${shown} to the address`,
  });
}

function changed(message: string): HoldfastError {
  return new HoldfastError('host_key_changed', message, {
    next: 'do not go on before you know why; if the server really has a new key, accept its fingerprint instead of the old one',
  });
}

/** Host key algorithms to ask for, so that the server shows a key that can be compared; null for no preference. */
export function wantedAlgorithms(trust: HostTrust): string[] | null {
  if (trust.fingerprints.length > 0 || trust.known.length === 0) return null;
  const types = new Set(trust.known.filter((one) => !one.isRevoked).map((one) => one.type));
  const algorithms = [...types].flatMap((type) =>
    type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type],
  );
  return algorithms.length === 0 ? null : algorithms;
}
