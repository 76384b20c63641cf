import { HoldfastError } from '../base/errors.ts';
import type { KmsKey } from '../crypto/key-text.ts';
import { fromBase64, type KmsAnswer, kmsRequest } from './kms-request.ts';

export interface VaultSettings {
  /** Such as `https://vault.example:8200`. */
  readonly address?: string | undefined;
  readonly token?: string | undefined;
  readonly namespace?: string | undefined;
}

const REFERENCE = /^vault-transit:((?:[A-Za-z0-9._-]+\/)*[A-Za-z0-9._-]+)\/([A-Za-z0-9._-]{1,128})$/;

/**
 * A key of HashiCorp Vault's transit engine (also of OpenBao), by its HTTP API: `POST /v1/MOUNT/encrypt/KEY` and `…/decrypt/KEY`. Null for a text that names
 * none. The token needs `update` on both paths. What the key seals is bound to the slot by the wrapping itself.
 */
export function vaultTransitKey(reference: string, settings: VaultSettings): KmsKey | null {
  const match = REFERENCE.exec(reference);
  if (!match || /(^|[:/])\.{1,2}(\/|$)/.test(reference)) return null;
  const [, mount, key] = match as unknown as [string, string, string];

  const call = async (operation: 'encrypt' | 'decrypt', input: Record<string, string>, field: string) => {
    const { base, token } = loginOf(reference, settings);
    const path = `v1/${mount}/${operation}/${key}`;
    const headers = () => ({
      'content-type': 'application/json',
      'x-vault-token': token,
      'x-vault-request': 'true',
      ...(settings.namespace && { 'x-vault-namespace': settings.namespace }),
    });
    const answer = await kmsRequest({
      ...{
        url: new URL(path, base).href,
        service: `Vault (${base.host})`,
        body: JSON.stringify(input),
        headers,
      },
    });
    const data = answer.body?.data as { readonly [key: string]: unknown } | undefined;
    const value =
      answer.status === 200 && typeof data === 'object' && data !== null ? data[field] : undefined;
    if (typeof value === 'string' && value.length <= 8192) return value;
    throw refusal(reference, path, answer);
  };
  return {
    kind: 'kms',
    reference,
    async encrypt(plain) {
      return Buffer.from(await call('encrypt', { plaintext: plain.toString('base64') }, 'ciphertext'));
    },
    async decrypt(sealed) {
      const text = await call('decrypt', { ciphertext: sealed.toString('utf8') }, 'plaintext');
      // What is no base64 is no key either: the caller says so in its one error.
      return fromBase64(text) ?? Buffer.alloc(0);
    },
  };
}

function loginOf(reference: string, { address, token }: VaultSettings) {
  if (!address || !token)
    throw new HoldfastError('kms_refused', `${reference} needs a login to Vault`, {
      next: `set ${address ? 'VAULT_TOKEN or VAULT_TOKEN_FILE' : 'VAULT_ADDR'}`,
    });
  const base = URL.canParse(address) ? new URL(address) : null;
  if (base === null || !/^https?:$/.test(base.protocol))
    throw new HoldfastError('kms_refused', 'VAULT_ADDR is not an address', {
      next: 'write it as https://host:8200',
    });
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return { base, token };
}

function refusal(reference: string, path: string, { status, body }: KmsAnswer): HoldfastError {
  const errors = Array.isArray(body?.errors) ? body.errors.map(String).join('; ') : '';
  const said = errors.replace(/\p{Cc}/gu, ' ').slice(0, 300);
  const code = status >= 500 || status === 429 ? 'kms_unreachable' : 'kms_refused';
  const message = `${reference}: Vault answered ${status}${said && `: ${said}`}`;
  const next =
    status === 403
      ? `let the token update ${path.slice(3)}, and see that it has not expired`
      : status === 404
        ? 'check mount and key: is the transit engine enabled there, and the key made'
        : status === 400
          ? 'the slot was made with another key, or a version of it that is gone: see holdfast key list'
          : status === 503
            ? 'unseal Vault, or open the repository with another of its keys'
            : undefined;
  return new HoldfastError(code, message, next ? { next } : {});
}
