import { execFile } from 'node:child_process';
import { readdir, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';

export interface ClientTools {
  /** Folder with pg_dump, pg_restore and pg_dumpall of one version. */
  readonly folder: string;
  readonly major: number;
  /** As `pg_dump --version` prints it, such as `15.18`. */
  readonly version: string;
}

/** Parents of per-version folders, and where their tools lie: Debian, Red Hat, Homebrew. */
const VERSIONED: readonly (readonly [parent: string, folder: RegExp, tools: string])[] = [
  ['/usr/lib/postgresql', /^\d+$/, 'bin'],
  ['/usr', /^pgsql-\d+$/, 'bin'],
  ['/opt/homebrew/opt', /^(postgresql|libpq)(@\d+)?$/, 'bin'],
  ['/usr/local/opt', /^(postgresql|libpq)(@\d+)?$/, 'bin'],
];

/**
 * Finds client tools of the server's major version or, failing that, of the next newer one: pg_dump refuses a newer
 * server. `folders` are looked at first; the well-known places follow, then `searchPath` (a PATH). Null when none fits.
 */
export async function findTools(
  serverMajor: number,
  folders: readonly string[] = [],
  searchPath = '/usr/local/bin:/usr/bin',
): Promise<ClientTools | null> {
  const candidates = [
    ...folders.flatMap((folder) => [folder, join(folder, 'bin')]),
    ...(await versionedFolders()),
    ...searchPath.split(':').filter((folder) => folder.startsWith('/')),
  ];
  const found = await Promise.all([...new Set(candidates)].map(toolsIn));
  const fitting = found.filter((tools) => tools !== null && tools.major >= serverMajor);
  // The sort is stable: of equal versions the folder named first wins.
  return fitting.sort((a, b) => a!.major - b!.major)[0] ?? null;
}

/** As `findTools`, but throws `tool_missing`, naming the package to install. */
export async function requireTools(
  serverMajor: number,
  folders?: readonly string[],
  searchPath?: string,
): Promise<ClientTools> {
  const tools = await findTools(serverMajor, folders, searchPath);
  if (tools) return tools;
  throw new HoldfastError('tool_missing', `no pg_dump of version ${serverMajor} or newer was found`, {
    next: `install postgresql-client-${serverMajor} (Debian, Ubuntu) or name its folder`,
  });
}

async function versionedFolders(): Promise<string[]> {
  const lists = await Promise.all(
    VERSIONED.map(async ([parent, pattern, tools]) => {
      const names = await readdir(parent).catch(() => []);
      return names.filter((name) => pattern.test(name)).map((name) => join(parent, name, tools));
    }),
  );
  return lists.flat();
}

async function toolsIn(folder: string): Promise<ClientTools | null> {
  const program = join(folder, 'pg_dump');
  const real = await realpath(program).catch(() => null);
  // Debian's wrapper picks a version by rules of its own; the versioned folders hold the real ones.
  if (real === null || basename(real) === 'pg_wrapper') return null;
  const text = await versionText(program);
  const match = /\(PostgreSQL\) ((\d+)\S*)/.exec(text);
  return match ? { folder, major: Number(match[2]), version: match[1]! } : null;
}

function versionText(program: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(program, ['--version'], { env: { LC_ALL: 'C' }, timeout: 10_000 }, (error, stdout) =>
      resolve(error ? '' : stdout),
    );
  });
}
