import { HoldfastError } from '../engine/base/errors.ts';
import type { SourceSpec } from '../engine/index.ts';
import { specOf } from './choose-plan.ts';
import type { Cli } from './cli.ts';
import type { ArtifactDetails, BackupDetails, RestoreRequest } from './engine-door.ts';
import { loadConfig } from './settings.ts';

/**
 * Where the artifacts of a backup came from, as the configuration says today: what `holdfast restore ID` without
 * --to restores over. Roles of a server and outputs of commands have no such place; they are left out, by name.
 * Throws `usage` when the configuration does not know a source.
 */
export async function originalPlaces(
  cli: Cli,
  backup: BackupDetails,
  item: string | null,
): Promise<RestoreRequest[]> {
  const loaded = await loadConfig(cli.io, cli.options);
  const next = 'name a target with --to';
  if (loaded === null) {
    throw new HoldfastError('usage', '--to is missing, and no configuration says where the sources are', {
      next,
    });
  }
  const artifacts = item === null ? backup.artifacts : backup.artifacts.filter(({ name }) => name === item);
  if (artifacts.length === 0) throw new HoldfastError('item_unknown', `the backup has no artifact ${item}`);
  const requests: RestoreRequest[] = [];
  for (const artifact of artifacts) {
    const source = loaded.config.sources[artifact.source];
    if (!source) {
      throw new HoldfastError('usage', `${loaded.file} has no source ${artifact.source}`, { next });
    }
    const spec = await specOf(cli, loaded, artifact.source, source);
    const target = placeOf(artifact, spec, backup);
    if (target === null) cli.note(`left out: ${artifact.name} (${artifact.kind}) has no place to go back to`);
    else
      requests.push({ backupId: backup.id, item: item ?? unitOf(artifact, backup), target, replace: true });
  }
  return requests.filter(({ item: unit }, i) => requests.findIndex((other) => other.item === unit) === i);
}

/** What is restored together: a database that was exported as one file per table is one unit, named by its source. */
function unitOf(artifact: ArtifactDetails, backup: BackupDetails): string {
  const isExport = backup.artifacts.some(
    ({ source, kind }) => source === artifact.source && kind === 'pg-csv',
  );
  return isExport ? artifact.source : artifact.name;
}

/** What lies beside a database in its backup, and goes back to no place in it. */
export const isBeside = ({ kind }: Pick<ArtifactDetails, 'kind'>) =>
  kind === 'pg-globals' || /^(extract|table)-/.test(kind);

function placeOf(artifact: ArtifactDetails, spec: SourceSpec, backup: BackupDetails): string | null {
  switch (spec.kind) {
    case 'sqlite':
      return artifact.kind === 'sqlite' ? spec.path : null;
    case 'postgres':
      // An export of one tenant must never take the place of the database that all of them share.
      return isBeside(artifact) || (spec.tenant?.id ?? null) !== null ? null : spec.url;
    case 'files': {
      const trees = backup.artifacts.filter(
        ({ source, form }) => source === artifact.source && form === 'tree',
      );
      return spec.paths[trees.indexOf(artifact)] ?? null;
    }
    case 'command':
      return null;
  }
}
