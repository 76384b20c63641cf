import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Cluster } from './postgres-cluster.ts';

/** Everything pg_dump can tell of a database, as text, without the marks that differ by chance. */
export function plainDump(cluster: Cluster, database: string): string {
  const args = ['--format=plain', `--dbname=${cluster.urlOf(database)}`];
  const options = { encoding: 'utf8', maxBuffer: 1 << 30 } as const;
  const { stdout, stderr, status } = spawnSync(join(cluster.binFolder, 'pg_dump'), args, options);
  assert.equal(status, 0, stderr);
  return stdout.replace(/^\\(un)?restrict .*$/gm, '');
}
