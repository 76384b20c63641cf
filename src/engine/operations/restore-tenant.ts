import { HoldfastError } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import { openChunkReader } from '../repository/chunk-reader.ts';
import type { ManifestArtifact } from '../repository/manifest.ts';
import type { ArtifactReader } from '../sources/port.ts';
import {
  openTenantSession,
  parsePostgresAddress,
  readTenantExport,
  restorePostgres,
  restoreTenant,
  type TenantOptions,
  type TenantPlan,
  type TenantRestoreOptions,
  type TenantRestoreReport,
} from '../sources/postgres/index.ts';
import { type OperationContext, withScratchFolder } from './context.ts';
import { majorOf } from './drill/database-facts.ts';
import { DEFAULT_DRILL_ROOT, makeDrillFolder, removeLeftovers } from './drill/drill-folder.ts';
import { postgresPlace } from './drill/postgres-place.ts';
import { artifactReader } from './restore.ts';
import { selectItems } from './select-item.ts';

export interface TenantRestoreRequest {
  readonly backupId: string;
  /** An artifact or a source, where the backup holds several databases. */
  readonly item: string | null;
  /** The live database, `postgres://…`. */
  readonly target: string;
  /** Whose rows, and for a dump of every tenant how they are told; an export of one tenant has its own rules. */
  readonly tenant: TenantOptions;
  /** Sees the plan before anything is changed; false ends it there. What it throws is passed on. */
  readonly decide: (plan: TenantPlan) => boolean;
  /** See the source's own. */
  readonly onStep?: TenantRestoreOptions['onStep'];
}

export interface TenantRestoreOutcome extends TenantRestoreReport {
  readonly backupId: string;
  readonly item: string;
  readonly durationMs: number;
}

type Files = Parameters<typeof restoreTenant>[0]['files'];

/**
 * Puts the rows of one tenant back into a live database that others share. A dump of every tenant is loaded into a throwaway server of
 * its version first. Throws `item_unknown`, `usage`, `tool_missing`, and what `restoreTenant` of the source throws.
 */
export async function restoreTenantOf(
  context: OperationContext,
  request: TenantRestoreRequest,
): Promise<TenantRestoreOutcome> {
  const { repository, clock, signal } = context;
  const startedMs = clock.nowMs();
  const { manifest } = await repository.manifests.resolve(request.backupId, ['backups', 'archived']);
  const artifacts = chosen(selectItems(manifest, request.item).map(({ artifact }) => artifact));
  const { storage, keys } = repository;
  const chunks = openChunkReader({ storage, keys, index: await repository.loadIndex({ forReading: true }) });
  const reader = artifactReader(chunks);
  try {
    const restore = (tenant: TenantOptions, files: Files) =>
      restoreTenant({
        ...{ targetUrl: request.target, tenant, files, decide: request.decide, signal },
        ...(request.onStep && { onStep: request.onStep }),
      });
    const dump = artifacts.find(({ kind }) => kind === 'pg-dump');
    const report = dump
      ? await withLoadedDump(context, reader, dump, request.tenant, (files) => restore(request.tenant, files))
      : await fromExport(reader, artifacts, request.tenant, restore);
    const item = dump?.name ?? artifacts[0]!.source;
    return { backupId: manifest.id, item, durationMs: clock.nowMs() - startedMs, ...report };
  } finally {
    chunks.close();
  }
}

/** The artifacts of the one database that is meant. */
function chosen(artifacts: readonly ManifestArtifact[]): readonly ManifestArtifact[] {
  const databases = artifacts.filter(({ kind }) => kind === 'pg-dump' || kind === 'pg-csv');
  const sources = [...new Set(databases.map(({ source }) => source))];
  if (sources.length === 0) {
    throw new HoldfastError('item_unknown', 'nothing chosen is a backup of a PostgreSQL database');
  }
  if (sources.length === 1) return artifacts.filter(({ source }) => source === sources[0]);
  throw new HoldfastError('usage', 'the backup holds several databases', {
    next: `name one: ${sources.join(', ')}`,
  });
}

async function fromExport(
  reader: ArtifactReader,
  artifacts: readonly ManifestArtifact[],
  wanted: TenantOptions,
  restore: (tenant: TenantOptions, files: Files) => Promise<TenantRestoreReport>,
): Promise<TenantRestoreReport> {
  const { tenant, files } = await readTenantExport(reader, artifacts);
  if (tenant === null) {
    throw new HoldfastError('usage', 'the backup is a CSV export of every tenant', {
      next: 'restore it whole into an empty database and back up the tenant from there',
    });
  }
  if (tenant.id !== wanted.id) {
    throw new HoldfastError('item_unknown', `the backup holds the tenant ${tenant.id}, not ${wanted.id}`);
  }
  return restore(tenant, files);
}

async function withLoadedDump<T>(
  context: OperationContext,
  reader: ArtifactReader,
  { content, facts }: ManifestArtifact,
  tenant: TenantOptions,
  work: (files: Files) => Promise<T>,
): Promise<T> {
  if (facts.imported !== undefined && facts.imported !== null) {
    throw new HoldfastError('usage', 'a dump that another program made is not taken apart by tenants');
  }
  const { progress, signal } = context;
  await removeLeftovers(DEFAULT_DRILL_ROOT);
  const folder = await makeDrillFolder(DEFAULT_DRILL_ROOT, newId());
  const settings = { postgresServer: null, postgresPrograms: [] };
  const place = postgresPlace(settings, folder, signal);
  try {
    const major = majorOf(String(facts.serverVersion));
    const wanted = { name: 'holdfast_tenant', major, role: null, clause: '', untrusted: false };
    const { adminUrl } = await place.database(wanted);
    progress.phase('load the dump aside', { bytes: content.sizeBytes });
    return await withScratchFolder(context, async (scratchFolder) => {
      const common = { reader, content, facts, progress, signal, scratchFolder };
      await restorePostgres({ ...common, targetUrl: adminUrl, createMissingRoles: true });
      progress.phase(`tenant ${tenant.id}`, {});
      const address = parsePostgresAddress(adminUrl);
      const session = await openTenantSession(
        { address, context: { progress, signal, scratchFolder }, lockTimeoutMs: 60_000 },
        tenant,
      );
      try {
        return await work(session.files);
      } finally {
        await session.close();
      }
    });
  } finally {
    await place.close();
    await folder.remove();
  }
}
