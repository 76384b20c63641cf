/** What the catalog has, as the API shows it. */
import type { FastifyRequest } from 'fastify';
import { iso, isoOrNull } from '../../contracts/api/common.ts';
import type { Visitor } from '../access/sessions.ts';
import type { ApiToken } from '../access/tokens.ts';
import type { User } from '../access/users.ts';
import type { StoredDocument } from '../configuration/documents.ts';
import { withHidden } from '../configuration/hidden-values.ts';
import type { Job, JobProgress } from '../jobs/port.ts';
import { redact } from './redact.ts';

export const visitorOf = (request: FastifyRequest): Visitor => ({
  address: request.ip,
  agent: request.headers['user-agent'] ?? '',
});

export function userPayload(user: User) {
  return {
    ...{ id: user.id, name: user.name, role: user.role, tenant_roles: user.tenantRoles },
    has_second_factor: user.hasSecondFactor,
    created_at: iso(user.createdAtMs),
    disabled_at: isoOrNull(user.disabledAtMs),
  };
}

export function tokenPayload(token: ApiToken) {
  return {
    ...{ id: token.id, user_id: token.userId, name: token.name, scopes: [...token.scopes] },
    tenant_id: token.tenantId,
    created_at: iso(token.createdAtMs),
    expires_at: iso(token.expiresAtMs),
    used_at: isoOrNull(token.usedAtMs),
    revoked_at: isoOrNull(token.revokedAtMs),
  };
}

export function documentPayload(document: StoredDocument) {
  const { id, kind, name, tenantId, version, origin } = document;
  const body = { ...withHidden(kind, document.body) } as Record<string, unknown>;
  return {
    ...{ id, name, tenant_id: tenantId, body, version, origin },
    created_at: iso(document.createdAtMs),
    updated_at: iso(document.updatedAtMs),
    updated_by: document.updatedBy,
  };
}

export function progressPayload(progress: JobProgress) {
  return {
    phase: progress.phase,
    at: iso(progress.atMs),
    bytes_done: progress.bytesDone,
    bytes_total: progress.bytesTotal,
    bytes_stored: progress.bytesStored,
    entries_done: progress.entriesDone,
    entries_total: progress.entriesTotal,
    bytes_per_second: progress.bytesPerSecond,
    seconds_left: progress.secondsLeft,
  };
}

export function jobPayload(job: Job) {
  const { id, kind, status, plan, part, label, attempt } = job;
  return {
    ...{ id, kind, status, tenant_id: job.tenantId, plan, part, label, attempt },
    created_at: iso(job.createdAtMs),
    run_after: iso(job.runAfterMs),
    started_at: isoOrNull(job.startedAtMs),
    finished_at: isoOrNull(job.finishedAtMs),
    max_attempts: job.maxAttempts,
    worker_id: job.workerId,
    cancel_requested_at: isoOrNull(job.cancelRequestedAtMs),
    progress: job.progress && progressPayload(job.progress),
    result: job.result ?? null,
    error: job.error && { ...job.error, message: redact(job.error.message) },
  };
}
