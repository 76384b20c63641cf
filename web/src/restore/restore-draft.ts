import { useState } from 'react';
import type { BackupContent } from '../api/content.ts';
import type { RestoreMode, RestoreWanted } from '../api/restores.ts';

export const KINDS = ['whole', 'artifact', 'table', 'file', 'tenant'] as const;
export type Kind = (typeof KINDS)[number];
export type Way = RestoreMode | 'download';

/** What somebody has chosen and typed so far. */
export interface Draft {
  readonly kind: Kind;
  readonly artifact: string | null;
  readonly table: string | null;
  readonly file: string;
  readonly tenant: string;
  readonly way: Way;
  readonly place: 'folder' | 'source';
  readonly folder: string;
  readonly source: string | null;
  readonly hasSafetyBackup: boolean;
  readonly graceSeconds: number;
}

export type Change = (change: Partial<Draft>) => void;

/** Every table of a backup, as a restore names it. */
export const tableItems = ({ artifacts }: BackupContent) =>
  artifacts.flatMap(({ name, tables }) => tables.map((table) => `${name}/${table.name}`));

/** Begins with what a link named: a part, a table, or a path in a tree. */
export function useRestoreDraft(backup: BackupContent, chosen: string | null) {
  const [draft, setDraft] = useState<Draft>(() => {
    const isArtifact = backup.artifacts.some(({ name }) => name === chosen);
    const isTable = chosen !== null && tableItems(backup).includes(chosen);
    return {
      kind: chosen === null ? 'whole' : isArtifact ? 'artifact' : isTable ? 'table' : 'file',
      artifact: isArtifact ? chosen : (backup.artifacts[0]?.name ?? null),
      table: isTable ? chosen : null,
      file: isArtifact || isTable ? '' : (chosen ?? ''),
      ...{ tenant: '', way: 'safe', place: 'folder', folder: '', source: null },
      ...{ hasSafetyBackup: true, graceSeconds: 10 },
    };
  });
  return { draft, change: ((next) => setDraft((now) => ({ ...now, ...next }))) as Change };
}

/** As a restore names it: undefined for all of it, null while something is missing. */
export function itemOf({ kind, artifact, table, file }: Draft): string | undefined | null {
  if (kind === 'artifact') return artifact;
  if (kind === 'table') return table;
  if (kind === 'file') return file.trim().replace(/\/+$/, '') || null;
  return undefined;
}

/** Where it goes: a stored source or a path; empty while that is missing. */
export const placeOf = ({ place, folder, source }: Draft) =>
  place === 'folder' ? folder.trim() : (source ?? '');

/** As the server is asked; null while something is missing, and for a download. */
export function wantedOf(backupId: string, draft: Draft): RestoreWanted | null {
  const [item, to] = [itemOf(draft), placeOf(draft)];
  const { way, kind, tenant } = draft;
  if (item === null || to === '' || way === 'download') return null;
  if (kind === 'tenant' && tenant.trim() === '') return null;
  return {
    ...{ backup_id: backupId, to, mode: kind === 'tenant' ? 'safe' : way },
    ...(item === undefined ? {} : { item }),
    ...(kind === 'tenant' ? { tenant: tenant.trim() } : {}),
    ...{ safety_backup: draft.hasSafetyBackup, grace_seconds: draft.graceSeconds },
  };
}

/** What can be fetched as a file: all of it as a bundle, a part that is one file, a file of a tree. Null for what cannot. */
export function downloadOf(backup: BackupContent, draft: Draft): string | null {
  const address = `/api/v1/backups/${backup.id}`;
  const item = itemOf(draft);
  if (draft.kind === 'whole') return `${address}/download?compression=gzip`;
  if (!item || draft.kind === 'table') return null;
  const artifact = backup.artifacts.find(({ name }) => item === name || item.startsWith(`${name}/`));
  if (!artifact || (item === artifact.name && artifact.form === 'tree')) return null;
  const path = item.slice(artifact.name.length + 1);
  return `${address}/file?${new URLSearchParams({ artifact: artifact.name, path })}`;
}
