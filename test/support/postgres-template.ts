/** The data folder of an empty PostgreSQL, made by initdb once and copied from then on: a copy costs a tenth. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Whoever the server runs as. */
export interface ServerOwner {
  readonly uid: number;
  readonly gid: number;
}

const CACHE = join(import.meta.dirname, '../../node_modules/.cache/holdfast-tests');

/** Makes `folder/data`, which lets everybody in as `postgres`. With an owner, `folder` is theirs already. */
export function emptyDataFolder(place: {
  readonly binFolder: string;
  readonly folder: string;
  readonly owner: ServerOwner | null;
}): void {
  const data = join(place.folder, 'data');
  const template = templateOf(place.binFolder);
  if (existsSync(template)) copy(template, data);
  else {
    initialise(place);
    keep(data, template);
  }
  if (place.owner) execFileSync('chown', ['-R', `${place.owner.uid}:${place.owner.gid}`, data]);
}

/** Another one for every version and place of the server's programs. */
function templateOf(binFolder: string): string {
  const { mtimeMs, size } = statSync(join(binFolder, 'initdb'));
  const hash = createHash('sha256').update(`1 ${binFolder} ${mtimeMs} ${size}`).digest('hex');
  return join(CACHE, `initdb-${hash.slice(0, 16)}`);
}

function initialise({ binFolder, folder, owner }: Parameters<typeof emptyDataFolder>[0]): void {
  const options = ['--no-sync', '--username=postgres', '--encoding=UTF8', '--locale=C.UTF-8', '--auth=trust'];
  execFileSync(join(binFolder, 'initdb'), [...options, join(folder, 'data')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: folder,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
    ...owner,
  });
}

const copy = (from: string, to: string) => execFileSync('cp', ['-a', '--reflink=auto', from, to]);

/** Keeps it for the next time where that is possible. It appears whole, however many do so at once. */
function keep(data: string, template: string): void {
  const part = `${template}-${process.pid}`;
  try {
    mkdirSync(dirname(template), { recursive: true });
    copy(data, part);
    renameSync(part, template);
  } catch {
    rmSync(part, { recursive: true, force: true });
  }
}
