/** How the server is reached, from the environment. */
import { mayReplace } from '../../contracts/production.ts';
import { HoldfastError } from '../../engine/index.ts';

export interface HttpSettings {
  readonly host: string;
  readonly port: number;
  /** As people's browsers have it, such as `https://backup.example.org`; null when it is reached directly. */
  readonly publicUrl: URL | null;
  /** Names, with port, that requests may be sent to, besides those of this machine and of `publicUrl`. */
  readonly allowedHosts: readonly string[];
  /** Addresses whose word is taken for where a request comes from. Empty: nobody's. */
  readonly trustedProxies: readonly string[];
  /** Hosts, addresses and networks beyond the public internet that the server may connect to when a request names them. */
  readonly allowedAddresses: readonly string[];
  /** The data folder. */
  readonly home: string;
  readonly uploadLimitBytes: number;
  /** False in production without CONFIRM_RESTORE_IN_PROD=true: no restore replaces anything (promise X1). */
  readonly mayReplace: boolean;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
}

export const DEFAULT_PORT = 4180;
const UPLOAD_LIMIT_BYTES = 100 * 1024 ** 3;

type Environment = Readonly<Record<string, string | undefined>>;

/** Throws `config_invalid` naming the variable. */
export function httpSettings(environment: Environment, home: string): HttpSettings {
  const certFile = environment.HOLDFAST_TLS_CERT_FILE;
  const keyFile = environment.HOLDFAST_TLS_KEY_FILE;
  if (Boolean(certFile) !== Boolean(keyFile)) {
    throw new HoldfastError('config_invalid', 'HOLDFAST_TLS_CERT_FILE and HOLDFAST_TLS_KEY_FILE go together');
  }
  return {
    host: environment.HOLDFAST_HOST || '127.0.0.1',
    port: number(environment, 'HOLDFAST_PORT', DEFAULT_PORT, 65_535),
    publicUrl: publicUrl(environment.HOLDFAST_PUBLIC_URL),
    allowedHosts: list(environment.HOLDFAST_ALLOWED_HOSTS).map((host) => host.toLowerCase()),
    trustedProxies: list(environment.HOLDFAST_TRUSTED_PROXIES),
    allowedAddresses: list(environment.HOLDFAST_ALLOWED_ADDRESSES),
    home,
    uploadLimitBytes: number(
      environment,
      'HOLDFAST_UPLOAD_LIMIT_BYTES',
      UPLOAD_LIMIT_BYTES,
      Number.MAX_SAFE_INTEGER,
    ),
    mayReplace: mayReplace(environment),
    tls: certFile && keyFile ? { certFile, keyFile } : null,
  };
}

const list = (text: string | undefined) =>
  (text ?? '')
    .split(/[,\s]+/)
    .map((part) => part.trim())
    .filter((part) => part !== '');

function number(environment: Environment, name: string, fallback: number, most: number): number {
  const text = environment[name];
  if (!text) return fallback;
  const value = Number(text);
  if (/^\d{1,16}$/.test(text) && value <= most) return value;
  throw new HoldfastError('config_invalid', `${name} must be a whole number up to ${most}`);
}

function publicUrl(text: string | undefined): URL | null {
  if (!text) return null;
  const url = URL.parse(text);
  if (url && /^https?:$/.test(url.protocol) && url.pathname === '/') return url;
  throw new HoldfastError('config_invalid', 'HOLDFAST_PUBLIC_URL must be like https://backup.example.org');
}
