/** Drills as the API shows them. */
import { iso } from '../../contracts/api/common.ts';
import type { DrillEntry, KeptEvidence } from '../history/drills.ts';
import { redact } from './redact.ts';

export function drillPayload(drill: DrillEntry) {
  const { id, plan, via, result, failure, fingerprint, evidenceSha256 } = drill;
  return {
    ...{ id, plan, via, result, job_id: drill.jobId, tenant_id: drill.tenantId },
    ...{ backup_id: drill.backupId, requested_by: drill.requestedBy, trial: drill.isTrial },
    ...{ started_at: iso(drill.startedAtMs), finished_at: iso(drill.finishedAtMs) },
    ...{ rto_ms: drill.rtoMs, rpo_ms: drill.rpoMs, checks: drill.checks, red_checks: drill.redChecks },
    failure: failure && { ...failure, message: redact(failure.message), next: redact(failure.next) },
    evidence:
      fingerprint === null || evidenceSha256 === null ? null : { sha256: evidenceSha256, fingerprint },
  };
}

export function drillDetailPayload(
  drill: DrillEntry,
  evidence: KeptEvidence | null,
  trend: readonly DrillEntry[],
) {
  const report = evidence?.report;
  return {
    ...drillPayload(drill),
    ...{ host: report?.host ?? null, program: report?.program ?? null },
    ...{ destination: report?.destination ?? null, repository_id: report?.repositoryId || null },
    backup: report?.backup ? backupOf(report.backup) : null,
    other_backups: (report?.otherBackups ?? []).map(({ id, destination, startedAt }) => ({
      ...{ id, destination, started_at: startedAt },
    })),
    phases: (report?.phases ?? []).map(({ name, durationMs }) => ({ name, duration_ms: durationMs })),
    check_results: (report?.checks ?? []).map(({ name, kind, status, detail, durationMs }) => ({
      ...{ name, kind, status, detail: redact(detail), duration_ms: durationMs },
    })),
    tables: [...(report?.tables ?? [])],
    more_tables: report?.moreTables ?? 0,
    surroundings: [...(report?.surroundings ?? [])],
    limits: [...(report?.limits ?? [])],
    trend: trend.map(({ id, startedAtMs, result, rtoMs, rpoMs }) => ({
      ...{ id, started_at: iso(startedAtMs), result, rto_ms: rtoMs, rpo_ms: rpoMs },
    })),
    ...{ stored_at: [...drill.storedAt], not_stored: drill.notStored.map(redact) },
  };
}

const backupOf = ({ id, type, startedAt, sizeBytes }: NonNullable<KeptEvidence['report']['backup']>) => ({
  ...{ id, type, started_at: startedAt, size_bytes: sizeBytes },
});
