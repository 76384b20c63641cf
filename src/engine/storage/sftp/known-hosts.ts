import { createHmac } from 'node:crypto';

/** A line of a `known_hosts` file that concerns one server. */
export interface KnownKey {
  readonly type: string;
  /** The public key in its wire form. */
  readonly key: Buffer;
  readonly isRevoked: boolean;
}

/**
 * The keys a `known_hosts` text has for a server, as sshd(8) describes the format: host patterns with `*`, `?` and
 * `!`, hashed names, `[host]:port`, and `@revoked`. Certificate authorities and lines that make no sense are left out.
 */
export function knownKeysOf(text: string, host: string, port: number): KnownKey[] {
  const names = port === 22 ? [host, `[${host}]:22`] : [`[${host}]:${port}`];
  return text.split(/\r?\n/).flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const marker = fields[0]?.startsWith('@') ? fields.shift() : null;
    const [patterns, type, key] = fields;
    if (!patterns || patterns.startsWith('#') || !type || !key) return [];
    if (marker !== null && marker !== '@revoked') return [];
    if (!names.some((name) => matches(patterns, name.toLowerCase()))) return [];
    return [{ type, key: Buffer.from(key, 'base64'), isRevoked: marker === '@revoked' }];
  });
}

function matches(patterns: string, name: string): boolean {
  if (patterns.startsWith('|1|')) return matchesHash(patterns, name);
  const all = patterns.toLowerCase().split(',');
  const refused = all.some((pattern) => pattern.startsWith('!') && wildcard(pattern.slice(1)).test(name));
  return !refused && all.some((pattern) => !pattern.startsWith('!') && wildcard(pattern).test(name));
}

function matchesHash(field: string, name: string): boolean {
  const [, , salt, hash] = field.split('|');
  if (!salt || !hash) return false;
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
}

function wildcard(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${source}$`);
}
