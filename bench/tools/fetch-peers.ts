/**
 * `npm run bench:peers`: restic and borg of a newer Debian than this machine's, with all they need down to the C library,
 * unpacked into a folder of their own. Nothing is installed. apt-get checks signatures and checksums as always.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { versionText } from './find-tools.ts';
import { fetchedProgram, PEER_PROGRAMS, peerFolder } from './peer-folder.ts';

const SUITE = 'trixie';
const PACKAGES = ['restic', 'borgbackup'];
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const SOURCES = ['/etc/apt/sources.list.d/debian.sources', '/etc/apt/sources.list'];

export const PEERS_HELP = `npm run bench:peers -- [options]

Fetches restic and borg of Debian 13 with apt-get and unpacks them into a folder of their own, from where npm run bench runs
them besides those that are installed. About 30 MB, half a minute.

Options:
  --folder <path>   where to  (default: holdfast-bench/peers in the cache folder of this user; npm run bench looks there)
  --mirror <url>    where Debian's packages are  (default: as in this machine's sources of apt)
  -h, --help        this text
`;

/** Gives the lines to print. Throws with what apt-get or dpkg-deb said. */
export function fetchPeers(options: { readonly folder: string; readonly mirror: string | null }): string[] {
  const { folder } = options;
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(`${folder}.new-`);
  try {
    const packages = download(join(work, 'apt'), options.mirror ?? mirrorOf());
    const root = join(work, 'root');
    mkdirSync(root);
    for (const path of packages) run('dpkg-deb', ['-x', path, root]);
    writeFileSync(join(work, 'packages.txt'), packages.map(packageLine).join(''));
    writeStarters(work);
    rmSync(join(work, 'apt'), { recursive: true });
    rmSync(folder, { recursive: true, force: true });
    renameSync(work, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return PEER_PROGRAMS.map((name) => {
    const path = fetchedProgram(name, folder)!;
    const version = versionText(path);
    if (version === null) throw new Error(`${path} does not start`);
    return `${path}: ${version.split('\n')[0]}`;
  });
}

/** With an apt of its own that believes nothing to be installed: so it fetches all that is needed. Gives the paths. */
function download(folder: string, mirror: string): string[] {
  for (const part of ['lists/partial', 'cache/archives/partial']) {
    mkdirSync(join(folder, part), { recursive: true });
  }
  writeFileSync(join(folder, 'status'), '');
  writeFileSync(join(folder, 'sources.list'), `deb [signed-by=${KEYRING}] ${mirror} ${SUITE} main\n`);
  const settings = {
    'Dir::Etc::SourceList': join(folder, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State::Lists': join(folder, 'lists'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': join(folder, 'cache'),
    'Acquire::Languages': 'none',
    'APT::Sandbox::User': '',
    'APT::Install-Recommends': 'false',
  };
  const options = Object.entries(settings).map(([name, value]) => `-o${name}=${value}`);
  run('apt-get', [...options, '-qq', 'update']);
  run('apt-get', [...options, '-qq', '-y', '--download-only', 'install', ...PACKAGES]);
  const archives = join(folder, 'cache/archives');
  const names = readdirSync(archives).filter((name) => name.endsWith('.deb'));
  return names.sort().map((name) => join(archives, name));
}

function packageLine(path: string): string {
  const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
  return `${sha256}  ${path.slice(path.lastIndexOf('/') + 1)}\n`;
}

/**
 * restic is one file without libraries; borg is Python, and is given its own libraries by its own dynamic linker. Its
 * modules are compiled now, as an installation does.
 */
function writeStarters(folder: string): void {
  const root = join(folder, 'root');
  mkdirSync(join(folder, 'bin'));
  symlinkSync('../root/usr/bin/restic', join(folder, 'bin/restic'));
  const python = `usr/bin/${readlinkSync(join(root, 'usr/bin/python3'))}`;
  const libraries = `usr/lib/${libraryFolder(join(root, 'usr/lib'))}`;
  const linker = readdirSync(join(root, libraries)).find((name) => /^ld-linux.*\.so/.test(name));
  const pythonOf = (from: string) =>
    [`/${libraries}/${linker}`, '--library-path', `/${libraries}`, '--argv0', `/${python}`, `/${python}`].map(
      (word) => (word.startsWith('/') ? `${from}${word}` : word),
    );
  const words = [...pythonOf('$R'), '-EP', '$R/usr/bin/borg', '$@'].map((word) => `"${word}"`);
  // Found by the path it was called with, without a process more.
  const script = `#!/bin/sh\nR="\${0%/*}/../root"\nexec ${words.join(' ')}\n`;
  writeFileSync(join(folder, 'bin/borg'), script, { mode: 0o755 });
  const [program, ...args] = pythonOf(root);
  const modules = ['python3', basename(python)].map((name) => join(root, 'usr/lib', name));
  run(program!, [...args, '-E', '-m', 'compileall', '-q', ...modules]);
}

function libraryFolder(parent: string): string {
  const found = readdirSync(parent).find((name) => existsSync(join(parent, name, 'libc.so.6')));
  if (found === undefined) throw new Error(`${parent} has no C library`);
  return found;
}

function mirrorOf(): string {
  for (const path of SOURCES) {
    if (!existsSync(path)) continue;
    const found = /^(?:URIs:|deb(?: \[[^\]]*\])?)\s+(\S+)/m.exec(readFileSync(path, 'utf8'));
    if (found) return found[1]!;
  }
  throw new Error('no Debian mirror in the sources of apt: name one with --mirror');
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? stderr.trim()}`);
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      folder: { type: 'string' },
      mirror: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) process.stdout.write(PEERS_HELP);
  else {
    const lines = fetchPeers({ folder: values.folder ?? peerFolder(), mirror: values.mirror ?? null });
    process.stdout.write(`${lines.join('\n')}\n`);
  }
}
