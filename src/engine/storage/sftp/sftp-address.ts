import { HoldfastError } from '../../base/errors.ts';
import { isFingerprint } from './host-key.ts';

export interface SftpAddress {
  readonly user: string;
  readonly host: string;
  readonly port: number;
  /** Absolute, or relative to the folder the server logs the user into; never ends in a slash. */
  readonly folder: string;
  /** Fingerprints that the address itself pins. */
  readonly hostKeys: readonly string[];
  /** The address for people: without parameters. */
  readonly shown: string;
}

const EXAMPLE = 'write sftp://user@host/folder, or sftp://user@host:2222/~/folder below the login folder';
const DEFAULT_PORT = 22;

/**
 * Takes `sftp://user@host[:port]/folder[?hostKey=SHA256:…]` apart. `/~/folder` lies below the login folder. Throws
 * `usage`, also for a password: an address stands in process lists and log files.
 */
export function parseSftpAddress(address: string): SftpAddress {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    throw invalid('the address of the SFTP destination is not a valid address');
  }
  if (url.password !== '') {
    throw invalid('an SFTP address must not hold a password', 'set SFTP_PASSWORD, or better use a key');
  }
  if (url.hostname === '') throw invalid('the SFTP address names no host');
  if (url.username === '') throw invalid(`the SFTP address of ${url.hostname} names no user`);
  const host = decoded(url.hostname).replace(/^\[(.*)\]$/, '$1');
  // Not the path of the URL, which has resolved `..` already.
  const path = /^sftp:\/\/[^/?#]*([^?#]*)/i.exec(address)?.[1] ?? '';
  const folder = folderOf(decoded(path));
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
  const portText = port === DEFAULT_PORT ? '' : `:${port}`;
  return {
    user: decoded(url.username),
    host,
    port,
    folder,
    hostKeys: hostKeysOf(url.search),
    shown: `sftp://${url.username}@${url.hostname}${portText}${path.replace(/\/+$/, '')}`,
  };
}

function folderOf(path: string): string {
  if (path.includes('\0') || path.split('/').includes('..'))
    throw invalid('the folder of an SFTP address must not hold .. or NUL');
  const plain = path.replace(/\/+/g, '/').replace(/\/$/, '');
  if (plain === '') throw invalid('the SFTP address names no folder');
  if (plain === '/~') return '.';
  return plain.startsWith('/~/') ? plain.slice(3) : plain;
}

/** Not read as a form: in base64, `+` is a plus sign and not a space. */
function hostKeysOf(search: string): string[] {
  const parameters = search.slice(1).split('&');
  return parameters
    .filter((text) => text !== '')
    .map((text) => {
      const [, name, value] = /^([^=]*)=(.*)$/.exec(text) ?? [null, text, ''];
      if (name !== 'hostKey') throw invalid(`an SFTP address has no parameter ${decoded(name ?? '')}`);
      const fingerprint = decoded(value ?? '');
      if (isFingerprint(fingerprint)) return fingerprint;
      throw invalid(`${fingerprint} is not the fingerprint of a host key`, 'write hostKey=SHA256:…');
    });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('the SFTP address holds a % that encodes nothing');
  }
}

function invalid(message: string, next: string = EXAMPLE): HoldfastError {
  return new HoldfastError('usage', message, { next });
}
