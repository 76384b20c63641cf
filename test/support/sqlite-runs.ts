import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type RestoreSqliteOptions,
  restoreSqlite,
  type SqliteOptions,
  sqliteSource,
} from '../../src/engine/sources/sqlite/index.ts';
import { type MemoryArtifact, memoryReader, runSource, sourceContext } from './stream-artifacts.ts';

/** Backs up one database into memory. The scratch folder is beside it, and gone afterwards. */
export async function backUpSqlite(
  path: string,
  options: Partial<SqliteOptions> = {},
  signal?: AbortSignal,
): Promise<MemoryArtifact & { warnings: string[]; copiedBytes: number }> {
  const scratch = join(path, '..', 'scratch');
  mkdirSync(scratch);
  const warnings: string[] = [];
  let copiedBytes = 0;
  const progress = {
    phase() {},
    advance({ bytes = 0 }) {
      copiedBytes += bytes;
    },
    warn: (message: string) => void warnings.push(message),
  };
  try {
    const source = sqliteSource({ name: 'database', path, ...options });
    const [artifact] = await runSource(source, { ...sourceContext(scratch, signal), progress });
    return { ...artifact!, warnings, copiedBytes };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Backs up and writes the bytes as they are to `to`. */
export async function copySqlite(path: string, to: string): Promise<void> {
  writeFileSync(to, (await backUpSqlite(path)).bytes);
}

export function restoreTo(
  target: string,
  { content, bytes, facts }: MemoryArtifact,
  options: Partial<RestoreSqliteOptions> = {},
): Promise<void> {
  return restoreSqlite({
    reader: memoryReader(16_384),
    content,
    sizeBytes: bytes.length,
    facts,
    target,
    ...options,
  });
}
