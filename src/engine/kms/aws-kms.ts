import { HoldfastError } from '../base/errors.ts';
import type { KmsKey } from '../crypto/key-text.ts';
import { fromBase64, type KmsAnswer, kmsRequest } from './kms-request.ts';
import { type AwsCredentials, signedHeaders } from './sigv4.ts';

export interface AwsKmsSettings {
  /** Absent: what the AWS library finds by itself: AWS_* variables, a profile, the role of the machine. */
  readonly credentials?: () => Promise<AwsCredentials>;
  /** Instead of the public one of the region. */
  readonly endpoint?: string | undefined;
}

const ARN = /^aws-kms:(arn:(aws[a-z-]*):kms:([a-z0-9-]{3,30}):\d{12}:(?:key|alias)\/[A-Za-z0-9:/_-]{1,256})$/;

/**
 * A symmetric key of AWS KMS (API version 2014-11-01, Encrypt and Decrypt). The ciphertext is bound to the slot by an encryption context, which shows in
 * CloudTrail. Null for a text that names none. Needs `kms:Encrypt` to add or rotate, `kms:Decrypt` to open.
 */
export function awsKmsKey(reference: string, settings: AwsKmsSettings): KmsKey | null {
  const match = ARN.exec(reference);
  if (!match) return null;
  const [, arn, partition, region] = match as unknown as [string, string, string, string];
  const suffix = partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com';
  const url = new URL(settings.endpoint ?? `https://kms.${region}.${suffix}/`);
  let credentials: Promise<AwsCredentials> | null = null;

  const call = async (operation: 'Encrypt' | 'Decrypt', input: Record<string, unknown>, field: string) => {
    credentials ??= (settings.credentials ?? (() => foundCredentials(region)))();
    const login = await credentials.catch((error: unknown) => {
      throw new HoldfastError(
        'kms_refused',
        `${reference}: no login to AWS was found: ${(error as Error).message}`,
        {
          cause: error,
          next: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile or role that may use the key',
        },
      );
    });
    const body = JSON.stringify({ KeyId: arn, ...input });
    const headers = () =>
      signedHeaders({
        ...{ url, region, service: 'kms', body, credentials: login, nowMs: Date.now() },
        headers: {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': `TrentService.${operation}`,
        },
      });
    const answer = await kmsRequest({ url: url.href, service: `AWS KMS (${url.host})`, body, headers });
    const bytes = answer.status === 200 ? fromBase64(answer.body?.[field]) : null;
    if (bytes) return bytes;
    throw refusal(reference, operation, answer);
  };
  return {
    kind: 'kms',
    reference,
    encrypt: (plain, context) =>
      call(
        'Encrypt',
        { Plaintext: plain.toString('base64'), EncryptionContext: { holdfast: context } },
        'CiphertextBlob',
      ),
    decrypt: (sealed, context) =>
      call(
        'Decrypt',
        { CiphertextBlob: sealed.toString('base64'), EncryptionContext: { holdfast: context } },
        'Plaintext',
      ),
  };
}

/** The chain of the AWS library that S3 uses, too. */
async function foundCredentials(region: string): Promise<AwsCredentials> {
  const { S3Client } = await import('@aws-sdk/client-s3');
  const client = new S3Client({ region });
  try {
    return await client.config.credentials();
  } finally {
    client.destroy();
  }
}

const NEXT: Readonly<Record<string, string>> = {
  NotFoundException: 'check the ARN: there is no such key in this account and region',
  DisabledException: 'enable the key in AWS KMS, or open the repository with another of its keys',
  KMSInvalidStateException: 'the key is disabled or waits for its deletion: cancel that in AWS KMS',
  IncorrectKeyException: 'the slot was made with another key: see holdfast key list',
  InvalidCiphertextException: 'the key slot was made with another key, or changed: see holdfast key list',
  UnrecognizedClientException: 'check the access key of AWS',
  InvalidSignatureException: 'check the secret access key of AWS, and the clock',
  ExpiredTokenException: 'log in to AWS again: the session has expired',
};

function refusal(reference: string, operation: string, { status, body }: KmsAnswer): HoldfastError {
  const type = String(body?.__type ?? '')
    .replace(/^.*#/, '')
    .slice(0, 80);
  const said = String(body?.message ?? body?.Message ?? '')
    .replace(/\p{Cc}/gu, ' ')
    .slice(0, 300);
  const code = status >= 500 || status === 429 ? 'kms_unreachable' : 'kms_refused';
  const next =
    type === 'AccessDeniedException' ? `let the login use the key: it needs kms:${operation}` : NEXT[type];
  const what = type || (status === 200 ? 'an answer without a result' : `HTTP ${status}`);
  return new HoldfastError(
    code,
    `${reference}: ${operation} was refused: ${what}${said && `: ${said}`}`,
    next ? { next } : {},
  );
}
