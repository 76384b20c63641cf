import { execFile } from 'node:child_process';
import { access, constants, readdir, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';

export interface ServerBinaries {
  /** Folder with initdb and postgres of one version. */
  readonly folder: string;
  readonly major: number;
  /** As `postgres --version` prints it, such as `15.18`. */
  readonly version: string;
}

/** Parents of per-version folders, and where their programs lie: Debian, Red Hat, Homebrew. */
const VERSIONED: readonly (readonly [parent: string, folder: RegExp, programs: string])[] = [
  ['/usr/lib/postgresql', /^\d+$/, 'bin'],
  ['/usr', /^pgsql-\d+$/, 'bin'],
  ['/opt/homebrew/opt', /^postgresql(@\d+)?$/, 'bin'],
  ['/usr/local/opt', /^postgresql(@\d+)?$/, 'bin'],
];

/**
 * Finds the server programs of exactly one major version: a newer server would not prove that this one comes back. Null asks
 * for the newest there is. `folders` are looked at first, then the well-known places. Throws `tool_missing`, naming the package to install.
 */
export async function requireServer(
  major: number | null,
  folders: readonly string[] = [],
  searchPath = '/usr/local/bin:/usr/bin',
): Promise<ServerBinaries> {
  const candidates = [
    ...folders.flatMap((folder) => [folder, join(folder, 'bin')]),
    ...(await versionedFolders()),
    ...searchPath.split(':').filter((folder) => folder.startsWith('/')),
  ];
  const found = (await Promise.all([...new Set(candidates)].map(serverIn))).filter((one) => one !== null);
  const newest = [...found].sort((a, b) => b.major - a.major)[0];
  const fitting = major === null ? newest : found.find((one) => one.major === major);
  if (fitting) return fitting;
  const others = [...new Set(found.map((one) => one.major))].sort((a, b) => a - b).join(', ');
  throw new HoldfastError(
    'tool_missing',
    `no server programs (initdb, postgres) of PostgreSQL ${major ?? 'any version'} were found${others === '' ? '' : `, only of ${others}`}`,
    {
      next: `install postgresql${major === null ? '' : `-${major}`} (Debian, Ubuntu), name its folder in drill.postgres.programs, or a server in drill.postgres.server`,
    },
  );
}

async function versionedFolders(): Promise<string[]> {
  const lists = await Promise.all(
    VERSIONED.map(async ([parent, pattern, programs]) => {
      const names = await readdir(parent).catch(() => []);
      return names.filter((name) => pattern.test(name)).map((name) => join(parent, name, programs));
    }),
  );
  return lists.flat();
}

async function serverIn(folder: string): Promise<ServerBinaries | null> {
  const real = await realpath(join(folder, 'initdb')).catch(() => null);
  if (real === null || basename(real) === 'pg_wrapper') return null;
  const isRunnable = await access(join(folder, 'postgres'), constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!isRunnable) return null;
  const match = /\(PostgreSQL\) ((\d+)\S*)/.exec(await versionText(join(folder, 'postgres')));
  return match ? { folder, major: Number(match[2]), version: match[1]! } : null;
}

function versionText(program: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(program, ['--version'], { env: { LC_ALL: 'C' }, timeout: 10_000 }, (error, stdout) =>
      resolve(error ? '' : stdout),
    );
  });
}
