import { HoldfastError } from '../../base/errors.ts';
import { isApart, type Manifest } from '../../repository/manifest.ts';
import type { OperationContext } from '../context.ts';
import type { DrillRequest } from './drill-types.ts';

/** The backup to drill: the newest of the plan, whether complete or not, or the one named. Throws `id_unknown`, `id_ambiguous`. */
export async function findBackup(context: OperationContext, request: DrillRequest): Promise<Manifest> {
  const { manifests } = context.repository;
  if (request.backupId !== 'latest') {
    return (await manifests.resolve(request.backupId, ['backups', 'archived'])).manifest;
  }
  const rejected: string[] = [];
  const onRejected = ({ name, why }: { name: string; why: string }) => void rejected.push(`${name}: ${why}`);
  for await (const { manifest } of manifests.readAll({ onRejected })) {
    const isMeant = request.plan === null ? !isApart(manifest) : manifest.plan === request.plan;
    // Newer than this one, and no backup: passing over it would call an old backup the newest.
    if (rejected.length > 0) throw new HoldfastError('manifest_forged', rejected[0]!);
    if (isMeant) return manifest;
  }
  if (rejected.length > 0) throw new HoldfastError('manifest_forged', rejected[0]!);
  throw new HoldfastError(
    'id_unknown',
    request.plan === null ? 'there is no backup yet' : `there is no backup of the plan ${request.plan} yet`,
    { next: 'run holdfast backup first' },
  );
}

/**
 * The backup nearest in time to another: the part of one run that went elsewhere, or the one that a source of it makes by
 * itself. With `sources` it holds one of them: copies of other runs may lie at the same place. Throws `id_unknown`.
 */
export async function findCompanion(
  context: OperationContext,
  main: Manifest,
  { part, sources }: Pick<DrillRequest['also'][number], 'part' | 'sources'> = {},
): Promise<Manifest> {
  const plan = part?.plan ?? main.plan;
  const wanted = part ? [part.source] : sources;
  const startedMs = Date.parse(main.startedAt);
  let nearest: Manifest | null = null;
  let distanceMs = Number.POSITIVE_INFINITY;
  for await (const { manifest } of context.repository.manifests.readAll()) {
    if (manifest.plan !== plan || manifest.tenantId !== main.tenantId || manifest.id === main.id) continue;
    if (wanted && !manifest.artifacts.some(({ source }) => wanted.includes(source))) continue;
    const apart = Math.abs(Date.parse(manifest.startedAt) - startedMs);
    if (apart >= distanceMs) continue;
    nearest = manifest;
    distanceMs = apart;
  }
  if (nearest) return nearest;
  const { address } = context.repository.storage;
  throw new HoldfastError('id_unknown', `${address} holds no part of the plan ${plan ?? ''}`, {
    next: 'run holdfast backup first',
  });
}
