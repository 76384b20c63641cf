/** SQLite databases through the operations a user runs: backup into a repository, restore from it. */
import { join } from 'node:path';
import { silentProgress } from '../../src/engine/base/progress.ts';
import { backup } from '../../src/engine/operations/backup.ts';
import type { OperationContext } from '../../src/engine/operations/context.ts';
import { restore } from '../../src/engine/operations/restore.ts';
import type { ManifestArtifact } from '../../src/engine/repository/manifest.ts';
import { repositoryWorld } from './repository-world.ts';

export interface SqliteVault {
  readonly context: OperationContext;
  /** What the context was warned of so far. */
  readonly warnings: readonly string[];
  backUp(...paths: string[]): Promise<string>;
  artifacts(backupId: string): Promise<readonly ManifestArtifact[]>;
  /** Restores everything into a folder, or one artifact to a path. */
  restore(backupId: string, target: string, item?: string): Promise<void>;
}

/** A repository in memory. Scratch folders are below `folder`. */
export async function sqliteVault(folder: string): Promise<SqliteVault> {
  const { repository, clock } = await repositoryWorld();
  const warnings: string[] = [];
  const context: OperationContext = {
    repository,
    progress: { ...silentProgress, warn: (message) => void warnings.push(message) },
    signal: new AbortController().signal,
    clock,
    scratchRoot: join(folder, 'scratch'),
    workers: 1,
  };
  return {
    context,
    warnings,
    async backUp(...paths) {
      const sources = paths.map((path, i) => ({ kind: 'sqlite', name: `database ${i}`, path }) as const);
      const { backupId, status } = await backup(context, {
        sources,
        plan: 'databases',
        tenantId: null,
        type: 'db',
      });
      if (status !== 'succeeded') throw new Error(`the backup is ${status}`);
      return backupId;
    },
    async artifacts(backupId) {
      return (await repository.manifests.resolve(backupId, ['backups'])).manifest.artifacts;
    },
    async restore(backupId, target, item) {
      await restore(context, { backupId, item: item ?? null, target, replace: false });
    },
  };
}
