/**
 * What a drill starts runs, where the kernel allows it, with no network but its own loopback, among no other processes, and
 * with the live data out of reach: sockets and database files hidden, folders for reading only.
 */
import { spawn } from 'node:child_process';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePostgresAddress } from '../../sources/postgres/index.ts';
import type { SourceSpec } from '../source-spec.ts';

export interface Sandbox {
  /** False: what is started sees the network of this machine. */
  readonly hasNoNetwork: boolean;
  /** False: live files and sockets of this machine are where they always are. */
  readonly hidesLiveData: boolean;
  /** True: when the first process ends, the kernel ends all others. */
  readonly endsTogether: boolean;
  /** For the evidence. */
  readonly description: string;
  /** The command line that runs `line` inside. */
  wrap(line: readonly string[]): readonly string[];
}

const SETUP = `
set -e
ip link set lo up 2>/dev/null || ifconfig lo up
mount -t proc proc /proc
while [ "$1" != -- ]; do
  case $1 in
    hide) mount --bind /dev/null "$2" ;;
    guard) mount --rbind "$2" "$2"; mount -o remount,bind,ro "$2" ;;
  esac
  shift 2
done
shift
exec "$@"`;

const NAMESPACES = ['--net', '--pid', '--mount', '--ipc', '--fork', '--kill-child'];
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** No sandbox at all, because it was not asked for or cannot be had. */
export function openWorld(why: string): Sandbox {
  return {
    hasNoNetwork: false,
    hidesLiveData: false,
    endsTogether: false,
    description: `applications and commands ran with the network of this machine: ${why}`,
    wrap: (line) => line,
  };
}

/** The best sandbox this machine gives; tried out before it is relied on. Never throws. */
export async function openSandbox(sources: readonly SourceSpec[], drillFolder: string): Promise<Sandbox> {
  const user = process.geteuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const unshare = ['unshare', ...user, ...NAMESPACES, '--', '/bin/sh', '-c', SETUP, 'sh'];
  const live = await livePlaces(sources, drillFolder);
  for (const places of live.length > 0 ? [live, []] : [live]) {
    const line = [...unshare, ...places, '--'];
    const failure = await tryOut([...line, 'true']);
    if (failure !== null) {
      if (places.length > 0) continue;
      return openWorld(failure);
    }
    const isHidden = places.length > 0 || live.length === 0;
    return {
      hasNoNetwork: true,
      hidesLiveData: isHidden,
      endsTogether: true,
      description: `applications and commands ran without a network, in namespaces of their own${isHidden ? '; live databases were out of reach, live folders for reading only' : ''}`,
      wrap: (command) => [...line, ...command],
    };
  }
  return openWorld('no sandbox could be made');
}

/** As pairs of words for the setup. */
async function livePlaces(sources: readonly SourceSpec[], drillFolder: string): Promise<string[]> {
  const hidden = new Set<string>();
  const guarded = new Set<string>();
  const sockets = new Set(['/run/postgresql', '/tmp']);
  for (const spec of sources) {
    if (spec.kind === 'postgres') {
      const { host } = parsePostgresAddress(spec.url);
      if (host.startsWith('/')) sockets.add(host);
    }
    if (spec.kind === 'sqlite')
      for (const end of ['', '-wal', '-shm', '-journal']) hidden.add(spec.path + end);
    if (spec.kind === 'files') for (const path of spec.paths) guarded.add(path);
  }
  for (const folder of sockets) {
    const names = await readdir(folder).catch(() => []);
    for (const name of names) if (/^\.s\.PGSQL\.\d+$/.test(name)) hidden.add(join(folder, name));
  }
  const places: string[] = [];
  for (const path of await realPaths(hidden)) places.push('hide', path);
  for (const path of await realPaths(guarded)) {
    const holdsDrill = path === '/' || drillFolder.startsWith(`${path}/`);
    if (!holdsDrill) places.push('guard', path);
  }
  return places;
}

async function realPaths(paths: Iterable<string>): Promise<Set<string>> {
  const found = new Set<string>();
  for (const path of paths) {
    const real = await realpath(path).catch(() => null);
    if (real !== null && (await stat(real).catch(() => null))) found.add(real);
  }
  return found;
}

/** Null when it ran, else why not. */
function tryOut(line: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    const [program, ...args] = line;
    const child = spawn(program!, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH, LC_ALL: 'C' } });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(0, 300);
    });
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code) => resolve(code === 0 ? null : said.trim().split('\n')[0] || `exit ${code}`));
  });
}
