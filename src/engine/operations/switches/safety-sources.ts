import { basename } from 'node:path';
import { parsePostgresAddress } from '../../sources/postgres/index.ts';
import { isSqliteFile } from '../../sources/sqlite/index.ts';
import { isDatabaseAddress, type RestoreStep } from '../restore-plan.ts';
import type { SourceSpec } from '../source-spec.ts';

/** What a restore would replace, as sources of a backup; empty when it replaces nothing. */
export async function safetySources(
  target: string,
  steps: readonly Pick<RestoreStep, 'target' | 'replaces'>[],
): Promise<SourceSpec[]> {
  const replaced = steps.filter(({ replaces }) => replaces);
  if (replaced.length === 0) return [];
  if (isDatabaseAddress(target)) {
    const name = parsePostgresAddress(target).database;
    return [{ kind: 'postgres', name, url: target, globals: false }];
  }
  const paths = [...new Set(replaced.map((step) => step.target))];
  return Promise.all(paths.map(sourceOf));
}

async function sourceOf(path: string): Promise<SourceSpec> {
  const name = basename(path) || 'root';
  // One that is damaged is backed up as far as it goes: it may be the very reason for the restore.
  if (await isSqliteFile(path).catch(() => false)) return { kind: 'sqlite', name, path, allowDamaged: true };
  return { kind: 'files', name, paths: [path], exclude: [], optional: false };
}
