/** Which tools this machine has. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findPostgresBinaries } from '../../test/support/postgres-binaries.ts';
import { OURS } from '../summary.ts';
import { borg } from './borg.ts';
import { holdfast } from './holdfast.ts';
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

export interface FoundTools {
  readonly tools: readonly Tool[];
  /** Names of those that are not installed. */
  readonly missing: readonly string[];
}

export interface WantedTools {
  readonly names: readonly ToolName[];
  /** Paths of further restic or borg programs, which are run besides those on the PATH. Throws when one is neither. */
  readonly peers: readonly string[];
  /** A folder that programs may keep caches in which outlive a repository. */
  readonly cacheFolder: string;
}

export function findTools({ names, peers, cacheFolder }: WantedTools): FoundTools {
  const found = names.map((name) => [name, open(name, cacheFolder)] as const);
  const tools = [...found.map(([, tool]) => tool).filter((tool) => tool !== null), ...peers.map(openPeer)];
  const twice = tools.find((tool, i) => tools.some((other, j) => j < i && other.name === tool.name));
  if (twice) throw new Error(`${twice.name} is there twice: leave one out with --tools or --peer`);
  const missing: string[] = found.filter(([, tool]) => tool === null).map(([name]) => name);
  const canCopy = versionText('sqlite3') !== null;
  if (!canCopy) missing.push('sqlite3 (for restic and borg, to copy a database in use)');
  return { tools: canCopy ? tools : tools.map(withoutSqlite), missing };
}

const withoutSqlite = (tool: Tool): Tool =>
  tool.name === OURS ? tool : { ...tool, kinds: tool.kinds.filter((kind) => kind !== 'sqlite') };

function open(name: ToolName, cacheFolder: string): Tool | null {
  switch (name) {
    case 'holdfast':
      return holdfast(cacheFolder);
    case 'restic':
      return withVersion('restic', (version) => restic('restic', version));
    case 'restic-checked':
      return withVersion('restic', (version) => resticChecked('restic', version));
    case 'borg':
      return withVersion('borg', (version) => borg('borg', version, null));
    case 'borg-zstd':
      return withVersion('borg', (version) => borg('borg', version, 'zstd'));
    default:
      return withPostgres(name);
  }
}

function withPostgres(name: 'pg_dump' | 'pg_restore' | 'floor'): Tool | null {
  const folder = findPostgresBinaries();
  if (folder === null || !existsSync(join(folder, 'pg_restore'))) return null;
  const open = { pg_dump: pgDumpCompressed, pg_restore: pgRestoreParallel, floor: pgDumpFloor }[name];
  return withVersion(join(folder, 'pg_dump'), open);
}

function openPeer(path: string): Tool {
  const text = versionText(path);
  const version = versionIn(text ?? '');
  if (version !== null && /^restic /.test(text!)) return restic(path, version);
  if (version !== null && /^borg /.test(text!)) return borg(path, version, null);
  throw new Error(`${path} is neither restic nor borg`);
}

function withVersion(program: string, make: (version: string) => Tool): Tool | null {
  const version = versionIn(versionText(program) ?? '');
  return version === null ? null : make(version);
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
