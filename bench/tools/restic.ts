import { basename, dirname, join } from 'node:path';
import type { Command, Pipeline } from '../command.ts';
import type { Source } from '../workloads/port.ts';
import { PASSWORD } from './password.ts';
import type { Session, Tool } from './port.ts';
import { plainDump, restoreFromInput } from './postgres-commands.ts';
import { checkDatabase, copyDatabase } from './sqlite-copy.ts';

/** `program`: where it lies. `version`: `0.14.0`. */
export function restic(program: string, version: string): Tool {
  return {
    name: `restic-${version.split('.').slice(0, 2).join('.')}`,
    version,
    settings: 'its defaults: AES-256-CTR with Poly1305, zstd, password',
    kinds: ['postgres', 'sqlite', 'files'],
    session: (source, folder) => session(program, source, folder),
  };
}

/** The same with the check that makes a copy of a database a backup: what it takes to promise what Holdfast promises. */
export function resticChecked(program: string, version: string): Tool {
  const plain = restic(program, version);
  return {
    ...plain,
    name: `${plain.name}+check`,
    settings: `${plain.settings}; after \`pragma integrity_check\` of the copy`,
    kinds: ['sqlite'],
    patternsAreAlike: true,
    // A restore is the same with and without.
    session: (source, folder) => ({ ...session(program, source, folder, true), restore: () => null }),
  };
}

const DUMP = 'db.dump';

function session(program: string, source: Source, folder: string, checked = false): Session {
  const repository = join(folder, 'repository');
  const copy = join(folder, 'copy.sqlite');
  const env = {
    RESTIC_PASSWORD: PASSWORD,
    RESTIC_REPOSITORY: repository,
    RESTIC_CACHE_DIR: join(folder, 'cache'),
    HOME: folder,
  };
  const call = (steps: readonly Pipeline[], more: Partial<Command> = {}): Command => ({
    steps,
    env,
    ...more,
  });
  const backup = (): Command => {
    switch (source.kind) {
      case 'postgres':
        return call([[plainDump(source), [program, 'backup', '--stdin', '--stdin-filename', DUMP]]]);
      case 'sqlite':
        return call([
          [copyDatabase(source.path, copy)],
          ...(checked ? [[checkDatabase(copy)]] : []),
          [[program, 'backup', copy]],
        ]);
      case 'files':
        return call([[[program, 'backup', basename(source.folder)]]], { cwd: dirname(source.folder) });
    }
  };
  return {
    prepare: call([[[program, 'init']]]),
    repository,
    backup,
    toFile: (path) => ({
      command: call([[[program, 'dump', 'latest', DUMP]]], { outputFile: path }),
      path,
    }),
    verify: () => call([[[program, 'check', '--read-data']]]),
    prune: (keep) => call([[[program, 'forget', '--keep-last', String(keep), '--prune']]]),
    restore(place) {
      switch (source.kind) {
        case 'postgres':
          return {
            command: call([[[program, 'dump', 'latest', DUMP], restoreFromInput(source, place)]]),
            path: place,
          };
        case 'sqlite':
          return { command: call([[[program, 'dump', 'latest', copy]]], { outputFile: place }), path: place };
        case 'files': {
          const command = call([[[program, 'restore', 'latest', '--target', place]]]);
          return { command, path: join(place, basename(source.folder)) };
        }
      }
    },
  };
}
