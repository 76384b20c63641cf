/** Errors as problem documents (RFC 9457), with the codes of the registry. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { isResponseSerializationError } from 'fastify-type-provider-zod';
import { lowerFirst } from '../../contracts/issue-problems.ts';
import { asHoldfastError, ERRORS, type ErrorCode, HoldfastError } from '../../engine/index.ts';
import { redact } from './redact.ts';

/** What differs from the rule of its kind, see `statusOf`. */
const STATUS: { readonly [code in ErrorCode]?: number } = {
  not_authenticated: 401,
  login_failed: 401,
  sign_on_refused: 401,
  second_factor_needed: 401,
  setup_token_wrong: 401,
  not_permitted: 403,
  proof_needed: 403,
  setup_closed: 403,
  request_foreign: 403,
  address_refused: 403,
  too_many_attempts: 429,
  setup_needed: 503,
  password_weak: 422,
  content_type_refused: 415,
  request_too_large: 413,
  not_confirmed: 409,
  name_taken: 409,
  in_use: 409,
  document_changed: 409,
  hold_active: 409,
  repository_exists: 409,
  target_not_empty: 409,
  lease_held: 409,
  upload_conflict: 409,
  backup_conflict: 409,
  space_low: 507,
  storage_full: 507,
  catalog_unreachable: 503,
  key_wrong: 422,
  key_missing: 422,
  key_malformed: 422,
  bundle_malformed: 422,
  bundle_newer: 422,
  bundle_not_encrypted: 422,
  limit_exceeded: 422,
  path_unsafe: 422,
  // What a request names is not there, or cannot be read: nothing of this server is broken.
  source_missing: 422,
  source_denied: 422,
  source_damaged: 422,
  source_busy: 503,
  target_busy: 409,
  // Others on the way.
  database_failed: 502,
  kms_unreachable: 502,
  kms_refused: 502,
};
const UNKNOWN = /^(id|item|job|plan|document|route|user|token|tenant)_unknown$|^repository_missing$/;

/** The status of an HTTP answer to an error. */
export function statusOf(code: ErrorCode): number {
  const own = STATUS[code];
  if (own !== undefined) return own;
  if (UNKNOWN.test(code)) return 404;
  const { exit } = ERRORS[code];
  if (exit === 'usage') return 400;
  return exit === 'unreachable' ? 502 : 500;
}

export interface FieldProblem {
  readonly field: string;
  readonly message: string;
  readonly line?: number | null;
  readonly column?: number | null;
}

/** An error with the fields that are wrong. Values are never repeated: they could be secrets. */
export class RequestProblem extends HoldfastError {
  readonly fields: readonly FieldProblem[];

  constructor(fields: readonly FieldProblem[], code: ErrorCode = 'request_invalid') {
    super(code, fields.map(({ field, message }) => (field ? `${field}: ${message}` : message)).join('; '));
    this.fields = fields;
  }
}

export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const ours = ourError(error);
  const status = statusOf(ours.code);
  // What a stranger can bring about at will does not fill the log.
  if (status >= 500 && ours.code !== 'setup_needed')
    request.log.error({ err: error, code: ours.code }, 'request failed');
  if (status === 429) reply.header('retry-after', '900');
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="holdfast"');
  if (reply.raw.headersSent) {
    reply.raw.destroy();
    return;
  }
  const detail = ours.code === 'internal' ? ERRORS.internal.what : redact(ours.message);
  void reply
    .code(status)
    .type('application/problem+json')
    .serializer((value: unknown) => JSON.stringify(value))
    .send({
      type: `urn:holdfast:error:${ours.code}`,
      title: ERRORS[ours.code].what,
      ...{ status, detail, code: ours.code, next: redact(ours.next), retryable: ours.retryable },
      request_id: request.id,
      ...(ours instanceof RequestProblem ? { errors: ours.fields } : {}),
    });
}

const OF_FASTIFY: { readonly [code: string]: ErrorCode } = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'request_too_large',
  FST_REQ_FILE_TOO_LARGE: 'request_too_large',
  FST_FILES_LIMIT: 'request_too_large',
  FST_PARTS_LIMIT: 'request_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'content_type_refused',
  FST_INVALID_MULTIPART_CONTENT_TYPE: 'content_type_refused',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'request_invalid',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'upload_incomplete',
  FST_ERR_BAD_URL: 'request_invalid',
};

function ourError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  if (isResponseSerializationError(error))
    return new HoldfastError('internal', error.message, { cause: error });
  const { code, statusCode, message } = error as Partial<FastifyError>;
  const known = OF_FASTIFY[code ?? ''];
  if (known) return new HoldfastError(known, lowerFirst(message ?? ''), { cause: error });
  if (statusCode === 429) return new HoldfastError('too_many_attempts');
  if (statusCode !== undefined && statusCode < 500) {
    return new HoldfastError('request_invalid', lowerFirst(message ?? ''), { cause: error });
  }
  return asHoldfastError(error);
}
