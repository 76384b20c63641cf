import { basename, dirname, join } from 'node:path';
import type { Command, Pipeline } from '../command.ts';
import type { Source } from '../workloads/port.ts';
import { PASSWORD } from './password.ts';
import type { Session, Tool } from './port.ts';
import { plainDump, restoreFromInput } from './postgres-commands.ts';
import { copyDatabase } from './sqlite-copy.ts';

/** `compression`: null for its default, lz4. */
export function borg(program: string, version: string, compression: string | null): Tool {
  return {
    name: `borg-${version.split('.').slice(0, 2).join('.')}${compression ? '-zstd' : ''}`,
    version,
    settings: `repokey-blake2 (AES-256-CTR, BLAKE2b), ${compression ?? 'lz4 (its default)'}, password`,
    kinds: ['postgres', 'sqlite', 'files'],
    session: (source, folder, made = 0) => session({ program, compression, source, folder, made }),
  };
}

const DUMP = 'db.dump';

interface Place {
  readonly program: string;
  readonly compression: string | null;
  readonly source: Source;
  readonly folder: string;
  readonly made: number;
}

function session({ program, compression, source, folder, made }: Place): Session {
  const repository = join(folder, 'repository');
  const copy = join(folder, 'copy.sqlite');
  let latest = `::run-${made}`;
  const env = {
    ...{ BORG_PASSPHRASE: PASSWORD, BORG_REPO: repository, BORG_BASE_DIR: folder, HOME: folder },
    // A prepared repository is copied before it is pruned.
    BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes',
  };
  const call = (steps: readonly Pipeline[], more: Partial<Command> = {}): Command => ({
    steps,
    env,
    ...more,
  });
  const create = [program, 'create', ...(compression ? ['--compression', compression] : [])];
  return {
    prepare: call([[[program, 'init', '--encryption', 'repokey-blake2']]]),
    repository,
    toFile: (path) => ({
      command: call([[[program, 'extract', '--stdout', latest]]], { outputFile: path }),
      path,
    }),
    verify: () => call([[[program, 'check', '--verify-data']]]),
    prune: (keep) => call([[[program, 'prune', '--keep-last', String(keep)]], [[program, 'compact']]]),
    backup(run) {
      latest = `::run-${run}`;
      switch (source.kind) {
        case 'postgres':
          return call([[plainDump(source), [...create, '--stdin-name', DUMP, latest, '-']]]);
        case 'sqlite':
          return call([[copyDatabase(source.path, copy)], [[...create, latest, basename(copy)]]], {
            cwd: folder,
          });
        case 'files':
          return call([[[...create, latest, basename(source.folder)]]], { cwd: dirname(source.folder) });
      }
    },
    restore(place) {
      switch (source.kind) {
        case 'postgres': {
          const toServer = restoreFromInput(source, place);
          return { command: call([[[program, 'extract', '--stdout', latest], toServer]]), path: place };
        }
        case 'sqlite': {
          const command = call([[[program, 'extract', '--stdout', latest]]], { outputFile: place });
          return { command, path: place };
        }
        case 'files': {
          // It extracts into the folder it is started in.
          const prepare: Command = { steps: [[['mkdir', place]]] };
          const command = call([[[program, 'extract', latest]]], { cwd: place });
          return { prepare, command, path: join(place, basename(source.folder)) };
        }
      }
    },
  };
}
