/** PostgreSQL's own programs, as every tool that has none of its own calls them. */
import { join } from 'node:path';
import type { Source } from '../workloads/port.ts';

type PostgresSource = Extract<Source, { kind: 'postgres' }>;

/** The archive uncompressed to standard output: what deduplicating tools are to be given. */
export const plainDump = (source: PostgresSource) => [
  join(source.binFolder, 'pg_dump'),
  '-Fc',
  '-Z0',
  '-d',
  source.url,
];

export const restoreFromInput = (source: PostgresSource, url: string) => [
  join(source.binFolder, 'pg_restore'),
  '-d',
  url,
];
