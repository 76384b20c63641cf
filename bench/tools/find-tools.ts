/** Which tools this machine has. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findPostgresBinaries } from '../../test/support/postgres-binaries.ts';
import { OURS } from '../summary.ts';
import { borg } from './borg.ts';
import { holdfast } from './holdfast.ts';
import { fetchedProgram, type PeerProgram } from './peer-folder.ts';
import { pgDumpCompressed, pgDumpFloor, pgRestoreParallel } from './pg-dump.ts';
import type { Tool } from './port.ts';
import { restic, resticChecked } from './restic.ts';

/** As `--tools` takes them. */
export const TOOL_NAMES = [
  'holdfast',
  'restic',
  'restic-checked',
  'borg',
  'borg-zstd',
  'pg_dump',
  'pg_restore',
  'floor',
] as const;
export type ToolName = (typeof TOOL_NAMES)[number];
/** `borg-zstd` is for whoever asks: borg's users mostly keep its default. */
export const DEFAULT_TOOLS: readonly ToolName[] = TOOL_NAMES.filter((name) => name !== 'borg-zstd');

/** Which restic and borg: those on the PATH, those `npm run bench:peers` has fetched, or of each the newest there is. */
export const PEER_CHOICES = ['all', 'newest', 'installed'] as const;
export type PeerChoice = (typeof PEER_CHOICES)[number];

export interface FoundTools {
  readonly tools: readonly Tool[];
  /** Names of those that are not installed. */
  readonly missing: readonly string[];
}

export interface WantedTools {
  readonly names: readonly ToolName[];
  readonly choice: PeerChoice;
  /** Paths of further restic or borg programs, which are run besides. Throws when one is neither. */
  readonly peers: readonly string[];
  /** A folder that programs may keep caches in which outlive a repository. */
  readonly cacheFolder: string;
}

export function findTools({ names, choice, peers, cacheFolder }: WantedTools): FoundTools {
  const found = names.map((name) => [name, open(name, cacheFolder, choice)] as const);
  const tools = [...found.flatMap(([, tools]) => tools), ...peers.map(openPeer)];
  const twice = tools.find((tool, i) => tools.some((other, j) => j < i && other.name === tool.name));
  if (twice) throw new Error(`${twice.name} is there twice: leave one out with --tools, --peers or --peer`);
  const missing: string[] = found.filter(([, tools]) => tools.length === 0).map(([name]) => name);
  const canCopy = versionText('sqlite3') !== null;
  if (!canCopy) missing.push('sqlite3 (for restic and borg, to copy a database in use)');
  return { tools: canCopy ? tools : tools.map(withoutSqlite), missing };
}

const withoutSqlite = (tool: Tool): Tool =>
  tool.name === OURS ? tool : { ...tool, kinds: tool.kinds.filter((kind) => kind !== 'sqlite') };

/** None when it is not installed. */
function open(name: ToolName, cacheFolder: string, choice: PeerChoice): Tool[] {
  switch (name) {
    case 'holdfast':
      return [holdfast(cacheFolder)];
    case 'restic':
      return programs('restic', choice).map(({ path, version }) => restic(path, version));
    case 'restic-checked':
      return programs('restic', 'newest').map(({ path, version }) => resticChecked(path, version));
    case 'borg':
      return programs('borg', choice).map(({ path, version }) => borg(path, version, null));
    case 'borg-zstd':
      return programs('borg', 'newest').map(({ path, version }) => borg(path, version, 'zstd'));
    default:
      return withPostgres(name);
  }
}

interface Found {
  readonly path: string;
  readonly version: string;
}

/** Oldest first; each version once. */
function programs(name: PeerProgram, choice: PeerChoice): Found[] {
  const fetched = choice === 'installed' ? null : fetchedProgram(name);
  const found = [name, fetched].flatMap((path): Found[] => {
    const version = path === null ? null : versionIn(versionText(path) ?? '');
    return version === null ? [] : [{ path: path!, version }];
  });
  const each = found.filter(({ version }, i) => found.findIndex((other) => other.version === version) === i);
  const sorted = each.sort((a, b) => a.version.localeCompare(b.version, 'en', { numeric: true }));
  return choice === 'newest' ? sorted.slice(-1) : sorted;
}

function withPostgres(name: 'pg_dump' | 'pg_restore' | 'floor'): Tool[] {
  const folder = findPostgresBinaries();
  if (folder === null || !existsSync(join(folder, 'pg_restore'))) return [];
  const open = { pg_dump: pgDumpCompressed, pg_restore: pgRestoreParallel, floor: pgDumpFloor }[name];
  const version = versionIn(versionText(join(folder, 'pg_dump')) ?? '');
  return version === null ? [] : [open(version)];
}

function openPeer(path: string): Tool {
  const text = versionText(path);
  const version = versionIn(text ?? '');
  if (version !== null && /^restic /.test(text!)) return restic(path, version);
  if (version !== null && /^borg /.test(text!)) return borg(path, version, null);
  throw new Error(`${path} is neither restic nor borg`);
}

const versionIn = (text: string) => /\d+\.\d+(\.\d+)?/.exec(text)?.[0] ?? null;

/** restic knows no `--version` as old as 0.14, and the others no `version`. Null when the program does not start. */
export function versionText(program: string): string | null {
  for (const args of [['--version'], ['version']]) {
    const run = spawnSync(program, args, { encoding: 'utf8' });
    if (run.status === 0) return run.stdout.trim();
  }
  return null;
}
