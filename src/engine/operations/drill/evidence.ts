/** A drill and what remains of it: a signed document, a page for people, a line in the history of this host. */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { asHoldfastError, HoldfastError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { SigningKey } from '../../crypto/signing.ts';
import { type DrillReport, evidencePage, signEvidence } from '../../evidence/index.ts';
import { putEvidence } from '../../repository/evidence-objects.ts';
import type { Repository } from '../../repository/repository.ts';
import type { OperationContext } from '../context.ts';
import { PROGRAM } from '../program.ts';
import { type ProvenEvidence, provenEvidence } from '../proven-backups.ts';
import { drill } from './drill.ts';
import type { DrillRequest } from './drill-types.ts';
import { rememberDrill, trendOf, writeEvidenceFiles } from './local-evidence.ts';

export interface EvidenceCopy {
  readonly drillId: string;
  readonly backupId: string;
  /** The signed document, as its text is. */
  readonly document: string;
  /** The signed page. */
  readonly page: string;
}

export interface DrillOutcome {
  readonly report: DrillReport;
  /** Hex, of the key that signed. */
  readonly fingerprint: string;
  /** Hex, of the signed document. */
  readonly sha256: string;
  readonly documentFile: string;
  readonly pageFile: string;
  /** Null for a drill that found no backup. */
  readonly copy: EvidenceCopy | null;
  /** Addresses of destinations that hold the evidence beside the backups. */
  readonly storedAt: readonly string[];
  /** Why others do not. */
  readonly notStored: readonly string[];
}

export interface EvidenceKeeping {
  /** Where a bundle was drilled that another destination holds: that keeps no evidence. Null for the repository itself. */
  readonly bundlesAt?: string;
  readonly stateFolder: string;
  readonly signingKey: SigningKey;
}

/**
 * Drills, signs what was found, keeps it on this host and beside the backups. A drill that failed is kept like one that passed.
 * Throws `interrupted`, and `target_failed` when this host cannot keep the evidence.
 */
export async function drillWithEvidence(
  context: OperationContext,
  request: DrillRequest,
  keeping: EvidenceKeeping,
): Promise<DrillOutcome> {
  const folder = folderOf(keeping);
  const found = await drill(context, request, (plan, tenantId) => trendOf(folder, plan, tenantId));
  const isBundle = keeping.bundlesAt !== undefined;
  const report = isBundle ? { ...found, destination: keeping.bundlesAt, repositoryId: '' } : found;
  const outcome = await kept(keeping, report, request.isTrial);
  if (outcome.copy === null) return outcome;
  if (request.isTrial) return { ...outcome, notStored: ['the evidence of a trial is not kept there'] };
  if (isBundle) return { ...outcome, notStored: ['a destination of bundles keeps no evidence'] };
  const storedAt: string[] = [];
  const notStored: string[] = [];
  for (const [place, backupId] of placesOf(context, request, report)) {
    const { address } = place.storage;
    const why = await storedOrWhy(place, { ...outcome.copy, backupId }, keeping.signingKey);
    if (why === null) storedAt.push(address);
    else notStored.push(why.includes(address) ? why : `${address}: ${why}`);
  }
  return { ...outcome, storedAt, notStored };
}

/** A drill that could not even open its destination is a failed one, too: with evidence, on this host alone. */
export async function recordFailedDrill(
  keeping: EvidenceKeeping,
  drilled: {
    readonly plan: string | null;
    readonly tenantId: string | null;
    readonly destination: string;
    readonly isTrial?: boolean | undefined;
  },
  error: unknown,
): Promise<DrillOutcome> {
  const now = new Date(systemClock.nowMs()).toISOString();
  const { code, message, next } = asHoldfastError(error);
  const { plan, tenantId, destination } = drilled;
  const report: DrillReport = {
    ...{ version: 1, kind: 'drill', drillId: newId(), program: PROGRAM, host: hostname() },
    ...{ repositoryId: '', destination, plan, tenantId, backup: null, otherBackups: [] },
    ...{ startedAt: now, finishedAt: now },
    ...{ result: 'red', rtoMs: null, rpoMs: null, phases: [], checks: [], tables: [], moreTables: 0 },
    failure: { code, message, next },
    ...{ surroundings: [], limits: [], trend: await trendOf(folderOf(keeping), plan, tenantId) },
  };
  return kept(keeping, report, drilled.isTrial);
}

/** Each repository that took part, with the backup of it. */
function placesOf(
  context: OperationContext,
  { also }: DrillRequest,
  { backup, otherBackups }: DrillReport,
): [place: Repository, backupId: string][] {
  const places: [Repository, string][] = backup ? [[context.repository, backup.id]] : [];
  const repositories = also.flatMap(({ copyPlace }) =>
    copyPlace.layout === 'repository' ? [copyPlace.context.repository] : [],
  );
  for (const { id, repositoryId } of otherBackups) {
    const repository = repositories.find((one) => one.id === repositoryId);
    if (repository) places.push([repository, id]);
  }
  return places;
}

const folderOf = ({ stateFolder }: EvidenceKeeping) => join(stateFolder, 'drills');

async function kept(keeping: EvidenceKeeping, report: DrillReport, isTrial = false): Promise<DrillOutcome> {
  const { signingKey } = keeping;
  const folder = folderOf(keeping);
  const document = signEvidence(report, signingKey);
  const page = evidencePage(report, document, signingKey);
  const files = await writeEvidenceFiles(folder, report, document, page);
  if (!isTrial) await rememberDrill(folder, report);
  const { drillId, backup } = report;
  const copy = backup === null ? null : { drillId, backupId: backup.id, document, page };
  const fingerprint = signingKey.fingerprint.toString('hex');
  const sha256 = createHash('sha256').update(document).digest('hex');
  return { report, fingerprint, sha256, ...files, copy, storedAt: [], notStored: [] };
}

async function storedOrWhy(
  repository: Repository,
  copy: EvidenceCopy,
  signingKey: SigningKey,
): Promise<string | null> {
  try {
    await repository.signers.ensure(signingKey);
    await putEvidence(repository, copy);
    return null;
  } catch (error) {
    return asHoldfastError(error).message;
  }
}

/** Throws `storage_*`, `key_wrong` for a repository that is open for reading only. */
export async function storeEvidence(repository: Repository, copy: EvidenceCopy): Promise<void> {
  await putEvidence(repository, copy);
}

export function listDrills(repository: Repository): Promise<ProvenEvidence[]> {
  return provenEvidence(repository);
}

/** By the beginning of the drill's id, or `latest`. Throws `id_unknown`, `id_ambiguous`. */
export async function readDrill(repository: Repository, text: string): Promise<ProvenEvidence> {
  const all = await provenEvidence(
    repository,
    ({ drillId }) => text === 'latest' || drillId.startsWith(text),
  );
  if (text === 'latest' && all[0]) return all[0];
  if (all.length === 1) return all[0]!;
  const next = 'see holdfast evidence list';
  if (all.length > 1)
    throw new HoldfastError('id_ambiguous', `${all.length} drills have an id that begins with ${text}`, {
      next,
    });
  throw new HoldfastError('id_unknown', `there is no evidence of a drill ${text}`, { next });
}
