import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { HoldfastError } from '../base/errors.ts';
import { isImported, type Manifest } from '../repository/manifest.ts';
import { requireWritable } from '../repository/repository-context.ts';
import { type BackupOutcome, backupSources } from './backup.ts';
import type { OperationContext } from './context.ts';
import { recogniseDump } from './import-recognise.ts';
import { importSource } from './import-sources.ts';
import { importTime } from './import-time.ts';

/** The plan of imported backups for which none is named: no rule of retention removes those. */
export const IMPORTED_PLAN = 'imported';

export interface ImportRequest {
  /** An absolute path. */
  readonly file: string;
  readonly plan: string | null;
  readonly tenantId: string | null;
  /** ISO 8601; null for what name and file say. */
  readonly time: string | null;
  /** Of the artifact; null for `db.dump`, `db.sql`, or the name of a SQLite file. */
  readonly name: string | null;
  /** True when the operator made the dump, so that restoring it may use any role: see `restorePostgres`. */
  readonly trusted: boolean;
}

export interface ImportOutcome extends Omit<BackupOutcome, 'status'> {
  /** `known`: the same file was imported before, under the same plan and tenant; nothing was stored. */
  readonly status: 'imported' | 'known';
  readonly plan: string;
  readonly timestampMs: number;
  readonly timeFrom: 'given' | 'name' | 'file';
}

const NAME = /^(?!\.\.?$)[^/\0\p{Cc}]{1,200}$/u;

/**
 * Takes a dump that another program made into the repository as a backup of the time it was made, marked as imported. It is read to its end
 * and checked first: what is cut or damaged becomes no backup. Idempotent. Throws `source_missing`, `source_denied`, `source_failed`,
 * `source_damaged`, `limit_exceeded`, `path_unsafe`, `usage`, and what `backup` throws.
 */
export async function importDump(context: OperationContext, request: ImportRequest): Promise<ImportOutcome> {
  const { signal, clock, progress } = context;
  requireWritable(context.repository);
  const path = resolve(request.file);
  const plan = request.plan ?? IMPORTED_PLAN;
  if (request.name !== null && !NAME.test(request.name))
    throw new HoldfastError('usage', `${JSON.stringify(request.name)} is not a file name`, {
      next: 'give one such as db.dump',
    });
  const dump = await recogniseDump(path, signal);
  if (dump.form === 'tar' && request.name !== null)
    throw new HoldfastError('usage', 'a tar holds several things, which keep their names', {
      next: 'leave --name out',
    });
  const { mtimeMs, size } = await stat(path);
  const when = importTime({
    given: request.time,
    name: basename(path),
    modifiedAtMs: mtimeMs,
    nowMs: clock.nowMs(),
  });
  progress.phase('read', { bytes: size });
  const sha256 = await hashOf(path, signal, (bytes) => progress.advance({ bytes }));
  const known = await knownBackup(context, { plan, tenantId: request.tenantId, sha256 });
  const dated = { plan, timestampMs: known ? Date.parse(known.startedAt) : when.timeMs, timeFrom: when.from };
  if (known) return { ...asOutcome(known), ...dated };
  const facts = {
    ...{ file: basename(path), sha256, sizeBytes: size, form: dump.form, compression: dump.compression },
    ...{ importedAt: new Date(clock.nowMs()).toISOString(), timeFrom: when.from, trusted: request.trusted },
  };
  const source = importSource({ path, dump, name: request.name, facts });
  const outcome = await backupSources(
    context,
    { plan, tenantId: request.tenantId, type: null, madeAtMs: when.timeMs },
    [source],
  );
  return { ...outcome, status: 'imported', ...dated };
}

async function hashOf(path: string, signal: AbortSignal, onBytes: (bytes: number) => void): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path, { highWaterMark: 1 << 20, signal })) {
    hash.update(bytes as Buffer);
    onBytes((bytes as Buffer).length);
  }
  return hash.digest('hex');
}

async function knownBackup(
  { repository }: OperationContext,
  { plan, tenantId, sha256 }: { plan: string; tenantId: string | null; sha256: string },
): Promise<Manifest | null> {
  for await (const { manifest } of repository.manifests.readAll()) {
    if (manifest.plan !== plan || manifest.tenantId !== tenantId || !isImported(manifest)) continue;
    const marks = manifest.artifacts.map(({ facts }) => facts.imported as { sha256?: unknown } | undefined);
    if (marks.some((mark) => mark?.sha256 === sha256)) return manifest;
  }
  return null;
}

function asOutcome({ id, artifacts }: Manifest): Omit<ImportOutcome, 'plan' | 'timestampMs' | 'timeFrom'> {
  return {
    ...{ backupId: id, status: 'known', bytesRead: 0, bytesStored: 0, durationMs: 0, problems: [] },
    artifacts: artifacts.map(({ name, source, kind, sizeBytes, sha256 }) => ({
      ...{ name, source, kind, sizeBytes, sha256 },
    })),
  };
}
