import { HoldfastError } from '../base/errors.ts';
import { type DrillReport, openEvidence } from '../evidence/index.ts';
import { eachLimited } from '../repository/each-limited.ts';
import {
  type EvidenceRef,
  listEvidence,
  readEvidence,
  type StoredEvidence,
} from '../repository/evidence-objects.ts';
import type { Repository } from '../repository/repository.ts';

export interface ProvenEvidence extends StoredEvidence {
  readonly report: DrillReport;
  /** Hex, of the key that signed it. */
  readonly fingerprint: string;
}

const AT_ONCE = 8;

/**
 * Evidence that counts: signed by a signer of this repository, about the backup it lies beside. That backup may have been
 * drilled from a copy elsewhere. Everything else is passed over: who can only write objects proves nothing. Newest drill first.
 */
export async function provenEvidence(
  repository: Repository,
  isWanted: (ref: EvidenceRef) => boolean = () => true,
): Promise<ProvenEvidence[]> {
  const { valid } = await repository.signers.list();
  const found: ProvenEvidence[] = [];
  await eachLimited(wanted(repository, isWanted), AT_ONCE, async (ref) => {
    const stored = await readEvidence(repository, ref);
    const opened = stored && accepted(stored);
    if (stored && opened && valid.has(opened.fingerprint)) found.push({ ...stored, ...opened });
  });
  return found.sort((a, b) => (a.drillId < b.drillId ? 1 : -1));
}

async function* wanted(
  repository: Repository,
  isWanted: (ref: EvidenceRef) => boolean,
): AsyncGenerator<EvidenceRef> {
  for await (const ref of listEvidence(repository)) if (isWanted(ref)) yield ref;
}

function accepted(stored: StoredEvidence) {
  try {
    const opened = openEvidence(Buffer.from(stored.document));
    const { report } = opened;
    const backups = [report.backup, ...report.otherBackups].map((backup) => backup?.id);
    const isHere = report.drillId === stored.drillId && backups.includes(stored.backupId);
    return isHere ? opened : null;
  } catch (error) {
    if (error instanceof HoldfastError) return null;
    throw error;
  }
}

/** When each backup was last proven by a green drill, milliseconds since 1970 UTC. Known from the destination alone. */
export async function provenTimes(repository: Repository): Promise<ReadonlyMap<string, number>> {
  const times = new Map<string, number>();
  for (const { backupId, report } of await provenEvidence(repository)) {
    if (report.result !== 'green') continue;
    const at = Date.parse(report.finishedAt);
    if (at > (times.get(backupId) ?? 0)) times.set(backupId, at);
  }
  return times;
}
