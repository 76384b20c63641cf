import { type ErrorCode, HoldfastError, systemCode } from '../../base/errors.ts';
import type { S3Target } from './s3-address.ts';

/** An attempt took longer than allowed, or its answer was cut. Never leaves this folder. */
export class AttemptLost extends Error {
  override readonly name = 'AttemptLost';
}

interface ServiceError {
  readonly name: string;
  readonly message: string;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

/** The HTTP status a server answered with, null when it did not answer. */
export function httpStatusOf(error: unknown): number | null {
  return (error as ServiceError | null)?.$metadata?.httpStatusCode ?? null;
}

const isNamed = (error: unknown, ...names: readonly string[]) =>
  error instanceof Error && names.includes(error.name);

export const isMissing = (error: unknown) =>
  isNamed(error, 'NoSuchKey', 'NotFound') ||
  (httpStatusOf(error) === 404 && !isNamed(error, 'NoSuchBucket', 'NoSuchUpload'));
export const isMissingBucket = (error: unknown) => isNamed(error, 'NoSuchBucket');
export const isMissingUpload = (error: unknown) => isNamed(error, 'NoSuchUpload');
export const isTaken = (error: unknown) => httpStatusOf(error) === 412;
/** The bytes are not those whose SHA-256 was signed. */
export const isOtherThanSigned = (error: unknown) => isNamed(error, 'XAmzContentSHA256Mismatch');
export const isBeyondEnd = (error: unknown) => httpStatusOf(error) === 416;

const LOGIN = [
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'InvalidToken',
  'ExpiredToken',
  'TokenRefreshRequired',
  'InvalidSecurity',
  'CredentialsProviderError',
  'InvalidClientTokenId',
];
const SKEW = ['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture'];
const FULL = [
  'QuotaExceeded',
  'ServiceQuotaExceeded',
  'StorageFull',
  'InsufficientCapacity',
  'XMinioStorageFull',
];
const REGION = ['PermanentRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'];
const BUSY = [
  'SlowDown',
  'RequestTimeout',
  'OperationAborted',
  'ConditionalRequestConflict',
  'Throttling',
  'ThrottlingException',
  'TooManyRequests',
  'RequestLimitExceeded',
  'BandwidthLimitExceeded',
  'BadDigest',
  'IncompleteBody',
  'XAmzContentSHA256Mismatch',
];
const TLS =
  /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT|UNABLE_TO_|EPROTO|HOSTNAME_MISMATCH)/;

/** True when the same request may succeed a moment later. A clock that is wrong is corrected by the SDK once it knows. */
export function mayPass(error: unknown): boolean {
  if (error instanceof HoldfastError || !(error instanceof Error)) return false;
  if (isNamed(error, ...FULL, ...LOGIN)) return false;
  if (isNamed(error, ...BUSY, ...SKEW)) return true;
  const status = httpStatusOf(error);
  if (status !== null)
    return status >= 500 ? status !== 501 : status === 429 || status === 408 || status < 300;
  if (TLS.test(systemCode(error) ?? '')) return false;
  return error instanceof AttemptLost || isConnectionTrouble(error) || isGarbledAnswer(error);
}

/** True when no answer came at all. */
export function isUnanswered(error: unknown): boolean {
  return (
    httpStatusOf(error) === null &&
    (error instanceof AttemptLost || (error instanceof Error && isConnectionTrouble(error)))
  );
}

function isConnectionTrouble(error: Error): boolean {
  const code = systemCode(error) ?? '';
  return (
    error.name === 'TimeoutError' ||
    /^E[A-Z]+$/.test(code) ||
    code.startsWith('UND_ERR') ||
    code === 'ERR_STREAM_PREMATURE_CLOSE' ||
    code.startsWith('HPE_') ||
    /aborted|socket hang up/i.test(error.message)
  );
}

/** An answer that does not decode, such as XML cut off, or a checksum that does not fit. */
function isGarbledAnswer(error: Error): boolean {
  return (
    '$responseBodyText' in error ||
    '$response' in error ||
    /checksum mismatch|deseriali|unexpected end|closing tag|not expected/i.test(error.message)
  );
}

/** Translates what the SDK threw; anything else (ours, an abort, a failing content stream) passes unchanged. */
export function s3Failure(
  error: unknown,
  { what, needs }: { readonly what: string; readonly needs: string },
  target: S3Target,
): unknown {
  if (error instanceof HoldfastError || !(error instanceof Error)) return error;
  const named = (code: ErrorCode, text: string, next?: string) =>
    new HoldfastError(code, `${what}: ${text}`, { cause: error, ...(next && { next }) });
  const status = httpStatusOf(error);
  if (isNamed(error, ...SKEW))
    return named('clock_skew', `${target.shown} refuses requests of this machine's clock`);
  if (isNamed(error, 'CredentialsProviderError'))
    return named(
      'storage_denied',
      'no credentials were given or found',
      'set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY',
    );
  if (isNamed(error, 'ExpiredToken', 'TokenRefreshRequired'))
    return named(
      'storage_denied',
      'the session token has expired',
      'get a new one, with its access key and secret',
    );
  if (isNamed(error, ...LOGIN))
    return named('storage_denied', loginText(error), 'check S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY');
  if (isMissingBucket(error)) return missingBucket(target, error);
  if (isNamed(error, ...REGION) || status === 301 || /region is missing/i.test(error.message))
    return wrongRegion(error, target);
  if (isNamed(error, ...FULL) || status === 507) return named('storage_full', error.message);
  if (status === 401 || status === 403)
    return named(
      'storage_denied',
      `${target.shown} refuses it: the key lacks ${needs}`,
      `allow ${needs} in the policy of the key or of the bucket`,
    );
  if (isMissing(error)) return new HoldfastError('object_missing', `${what} is missing`, { cause: error });
  const code = systemCode(error) ?? '';
  if (TLS.test(code))
    return named(
      'storage_unreachable',
      `no secure connection to ${target.shown}: ${error.message}`,
      tlsNext(target),
    );
  if (status !== null && status >= 300) {
    const said = `the server answered ${status} ${error.name}: ${error.message}`;
    return named(
      status >= 500 || status === 429 ? 'storage_unreachable' : 'storage_io',
      said,
      status < 500 ? 'see what the server says; holdfast doctor tells what it supports' : undefined,
    );
  }
  if (error instanceof AttemptLost || isConnectionTrouble(error))
    return named('storage_unreachable', `${target.shown} does not answer: ${error.message || code}`);
  return isGarbledAnswer(error) ? named('storage_io', `the answer does not decode: ${error.message}`) : error;
}

export function missingBucket(target: S3Target, cause: unknown): HoldfastError {
  return new HoldfastError(
    'bucket_missing',
    `there is no bucket ${target.bucket} at ${target.endpoint ?? 'AWS'}`,
    { cause },
  );
}

function loginText(error: Error): string {
  if (error.name === 'InvalidAccessKeyId') return 'the server does not know the access key';
  if (error.name === 'SignatureDoesNotMatch') return 'the secret key does not belong to the access key';
  return `the login was refused: ${error.name}`;
}

function wrongRegion(error: Error, target: S3Target): HoldfastError {
  const right = (error as unknown as ServiceError).$response?.headers?.['x-amz-bucket-region'];
  const next = right
    ? `add region=${right} to the address, or set S3_REGION`
    : 'add region=… to the address, or set S3_REGION';
  const text = /region is missing/i.test(error.message)
    ? 'the region is not known'
    : `the bucket ${target.bucket} is in another region`;
  return new HoldfastError('usage', text, { cause: error, next });
}

function tlsNext(target: S3Target): string {
  const scheme = target.endpoint?.startsWith('https:')
    ? 'or write endpoint=http://… where the server has no TLS'
    : 'or correct the endpoint';
  return `make its certificate trusted (NODE_EXTRA_CA_CERTS), ${scheme}`;
}
