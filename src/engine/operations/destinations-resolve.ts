import { codeOf, HoldfastError } from '../base/errors.ts';
import { type DestinationSpec, isAboutDestination } from './destinations.ts';
import { errorOf } from './destinations-replicate.ts';
import type { Engine } from './engine.ts';
import type { BackupDetails } from './list.ts';
import type { CopyFailure } from './replicate.ts';
import type { ReplicatedBackup } from './replicate-among.ts';

/** A destination that was tried. */
interface Tried {
  readonly spec: DestinationSpec;
  readonly engine: Engine | null;
  readonly failures: readonly CopyFailure[];
}

export interface FoundBackup {
  readonly backupId: string;
  readonly backup: ReplicatedBackup;
  /** Names of the sources that are in it. */
  readonly sources: readonly string[];
  /** Destinations that hold it. */
  readonly holders: ReadonlySet<DestinationSpec>;
}

/**
 * The backup that the beginning of an id names, or `latest`: the newest that any copy holds. Throws `id_unknown`,
 * `id_ambiguous`, and the failure of a destination when those that answer do not know it and that one might.
 */
export async function resolveAmong(text: string, tried: readonly Tried[]): Promise<FoundBackup> {
  const found: { spec: DestinationSpec; backup: BackupDetails }[] = [];
  for (const { spec, engine } of tried) {
    const backup = await engine?.show(text).catch((error: unknown) => {
      // What cannot be read at one copy may be fine at another.
      if (isAboutDestination(error) && codeOf(error) !== 'id_ambiguous') return null;
      throw error;
    });
    if (backup) found.push({ spec, backup });
  }
  if (found.length === 0) {
    const down = tried.find(({ engine }) => engine === null);
    if (down) throw errorOf(down.failures[0]!);
    throw new HoldfastError(
      'id_unknown',
      text === 'latest' ? 'there is no backup yet' : `no backup begins with ${text}`,
    );
  }
  const newest = found.reduce((a, b) => (b.backup.timestampMs > a.backup.timestampMs ? b : a)).backup;
  if (text !== 'latest' && found.some(({ backup }) => backup.id !== newest.id)) {
    throw new HoldfastError('id_ambiguous', `several backups begin with ${text}`);
  }
  const { id, plan, tenantId, type, timestampMs, sizeBytes } = newest;
  const sources = newest.artifacts.map(({ source }) => source);
  const holders = new Set<DestinationSpec>();
  for (const { spec, engine } of tried) {
    const own = found.find((one) => one.spec === spec);
    // Another is the latest there: ask for this one.
    const isHere = own?.backup.id === id || (own !== undefined && (await holds(engine!, id)));
    if (isHere) holders.add(spec);
  }
  return { backupId: id, backup: { id, plan, tenantId, type, timestampMs, sizeBytes }, sources, holders };
}

const holds = (engine: Engine, id: string) =>
  engine.show(id).then(
    () => true,
    () => false,
  );
