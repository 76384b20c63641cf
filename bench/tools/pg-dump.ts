/** PostgreSQL's own ways: the floor below which nothing can go, and what people do without a backup tool. */
import { join } from 'node:path';
import type { Session, Tool } from './port.ts';
import { plainDump } from './postgres-commands.ts';

const RESTORE_JOBS = '2';

/** `pg_dump` into nothing: what reading the database costs, whatever is done with it. */
export function pgDumpFloor(version: string): Tool {
  return {
    name: 'floor',
    version,
    settings: '`pg_dump -Fc -Z0` to nowhere: what reading alone costs',
    kinds: ['postgres'],
    patternsAreAlike: true,
    session: (source): Session => ({
      prepare: null,
      repository: null,
      backup: () => (source.kind === 'postgres' ? { steps: [[plainDump(source)]] } : null),
      restore: () => null,
    }),
  };
}

/** Compressed by `pg_dump` itself, into a new file every time. */
export function pgDumpCompressed(version: string): Tool {
  return {
    name: 'pg_dump-Fc',
    version,
    settings: '`pg_dump -Fc` with its own compression (gzip), and `pg_restore`; nothing encrypted',
    kinds: ['postgres'],
    patternsAreAlike: true,
    session(source, folder): Session {
      if (source.kind !== 'postgres') throw new Error('pg_dump reads PostgreSQL alone');
      const program = join(source.binFolder, 'pg_dump');
      const file = (run: number) => join(folder, `run-${run}.dump`);
      let latest = 0;
      return {
        prepare: null,
        repository: folder,
        backup(run) {
          latest = run;
          return { steps: [[[program, '-Fc', '-f', file(run), '-d', source.url]]] };
        },
        restore: (url) => ({
          command: { steps: [[[join(source.binFolder, 'pg_restore'), '-d', url, file(latest)]]] },
          path: url,
        }),
      };
    },
  };
}

/** Restores alone: a directory dump, made beforehand and not measured, loaded by two processes. */
export function pgRestoreParallel(version: string): Tool {
  return {
    name: 'pg_restore-j2',
    version,
    settings: `\`pg_restore -j${RESTORE_JOBS}\` from a directory dump (gzip) already at hand; nothing encrypted`,
    kinds: ['postgres'],
    session(source, folder): Session {
      if (source.kind !== 'postgres') throw new Error('pg_restore loads PostgreSQL alone');
      const dump = join(folder, 'dump');
      const file = join(folder, 'db.dump');
      const jobs = ['-j', RESTORE_JOBS];
      const program = (name: string) => join(source.binFolder, name);
      return {
        prepare: null,
        repository: null,
        backup: () => null,
        restore: (url) => ({
          prepare: { steps: [[[program('pg_dump'), '-Fd', ...jobs, '-f', dump, '-d', source.url]]] },
          command: { steps: [[[program('pg_restore'), ...jobs, '-d', url, dump]]] },
          path: url,
        }),
        // The same kind of dump that a drill of Holdfast loads.
        drill: (url) => ({
          prepare: { steps: [[[...plainDump(source), '-f', file]]] },
          command: { steps: [[[program('pg_restore'), ...jobs, '-d', url, file]]] },
          path: url,
          wallSeconds: null,
        }),
      };
    },
  };
}
