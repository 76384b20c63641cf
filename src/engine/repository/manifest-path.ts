import { BACKUP_TYPES, type BackupType } from '../base/backup-type.ts';
import { isId } from '../base/ids.ts';
import type { ObjectInfo } from '../storage/port.ts';
import { isTenantId } from './manifest.ts';

/** Where a manifest lies: listed, or softly deleted and waiting for its purge. */
export type ManifestState = 'backups' | 'archived';

/** What the name of a manifest says. Nothing here is proven: only reading checks seal and signature. */
export interface ManifestRef {
  /** Object name on storage, below the folder of its state. */
  readonly name: string;
  readonly state: ManifestState;
  readonly id: string;
  /** Null for the global scope. */
  readonly tenantId: string | null;
  readonly type: BackupType;
  /** ISO 8601, UTC, milliseconds. */
  readonly startedAt: string;
  /** The storage's time of the write: for an archived manifest, when it was archived. */
  readonly modifiedAtMs: number;
  /** Of the sealed object. */
  readonly storedBytes: number;
}

const PATH =
  /^([^/]+)\/(\d{4})\/(\d{2})\/(\d{2})\/([a-z]+)_(\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}-\d{3}Z)_([^/]+)$/;

/** `2026-01-02T03:04:05.006Z` as it stands in a path. */
export function pathTimestamp(time: string): string {
  return time.replace(/[:.]/g, '-');
}

/** Path below `backups/` or `archived/` that a manifest with these fields must have. */
export function manifestPath(fields: {
  readonly tenantId: string | null;
  readonly type: string;
  readonly startedAt: string;
  readonly id: string;
}): string {
  const day = fields.startedAt.slice(0, 10).replaceAll('-', '/');
  const file = `${fields.type}_${pathTimestamp(fields.startedAt)}_${fields.id}`;
  return `${fields.tenantId ?? 'global'}/${day}/${file}`;
}

/** Null when the object's name cannot be that of a manifest. */
export function parseManifestName(info: ObjectInfo): ManifestRef | null {
  const slash = info.name.indexOf('/');
  const state = info.name.slice(0, slash);
  if (state !== 'backups' && state !== 'archived') return null;
  const match = PATH.exec(info.name.slice(slash + 1));
  if (!match) return null;
  const [, tenant, , , , type, timestamp, id] = match;
  const startedAt = timestamp!.replace(/T(\d\d)-(\d\d)-(\d\d)-(\d\d\d)Z$/, 'T$1:$2:$3.$4Z');
  const known = BACKUP_TYPES.find((candidate) => candidate === type);
  if (!known || !isId(id!) || !isTime(startedAt)) return null;
  if (tenant !== 'global' && !isTenantId(tenant!)) return null;
  const ref: ManifestRef = {
    name: info.name,
    state,
    id: id!,
    tenantId: tenant === 'global' ? null : tenant!,
    type: known,
    startedAt,
    modifiedAtMs: info.modifiedAtMs,
    storedBytes: info.sizeBytes,
  };
  return `${state}/${manifestPath(ref)}` === info.name ? ref : null;
}

function isTime(text: string): boolean {
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.toISOString() === text;
}
