import { isUtf8 } from 'node:buffer';
import { spawn } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { HoldfastError } from '../../../base/errors.ts';
import { escapePath } from '../../../base/escape-path.ts';
import { scriptBeside } from '../../../base/script-beside.ts';
import { readFailure } from '../sqlite-file.ts';
import type { DiscoveryLimit, Finding, WalkLimits } from './find-databases.ts';

/** What is found below a folder, one by one. */
export type FoundSqlite =
  | {
      readonly kind: 'found';
      /** Absolute if the folder was; of one that is no UTF-8 its bytes as `\xNN`. */
      readonly path: string;
      /** False for a path that no text can hold. */
      readonly isNameable: boolean;
      /** With the write-ahead log beside it. */
      readonly sizeBytes: number;
      readonly modifiedAtMs: number;
      /** As the header states it; null for a version of the format that is not known. */
      readonly journalMode: 'wal' | 'delete' | null;
    }
  /** A folder or file that was not looked at. `path` is for people. */
  | { readonly kind: 'unreadable'; readonly path: string; readonly cause: string }
  /** There may be more: what is below, or everything after it, was not looked at. */
  | { readonly kind: 'limit'; readonly limit: DiscoveryLimit };

export const DISCOVERY_LIMITS: WalkLimits = { depth: 64, entries: 5_000_000, found: 10_000 };

const PROGRAM = fileURLToPath(scriptBeside(import.meta.url, 'find-program'));

/**
 * Every SQLite database below a folder, recognised by its header, whatever its name; the path itself where it is a file. Links are not
 * followed; an empty file is none. It looks from a process of its own, since closing a file gives up the locks that a process has on
 * it, and ends it when the caller stops. Throws `source_missing`, `source_denied`, `source_failed`, `interrupted`.
 */
export async function* discoverSqlite(
  folder: string,
  signal: AbortSignal,
  limits: Partial<WalkLimits> = {},
): AsyncGenerator<FoundSqlite> {
  if (signal.aborted) throw new HoldfastError('interrupted');
  const cache = getCompileCacheDir();
  const task = [Buffer.from(folder).toString('base64'), JSON.stringify({ ...DISCOVERY_LIMITS, ...limits })];
  const child = spawn(process.execPath, [PROGRAM, ...task], {
    env: cache === undefined ? {} : { NODE_COMPILE_CACHE: cache },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => child.pid === undefined && resolve());
  });
  const end = () => child.kill('SIGKILL');
  signal.addEventListener('abort', end, { once: true });
  let isWhole = false;
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (signal.aborted) break;
      const finding = JSON.parse(line) as Finding;
      if (finding.kind === 'failed') throw readFailure(folder, finding.cause);
      isWhole ||= finding.kind === 'end' || (finding.kind === 'limit' && finding.limit !== 'depth');
      if (finding.kind !== 'end') yield readable(finding);
    }
  } finally {
    signal.removeEventListener('abort', end);
    end();
    await ended;
  }
  if (signal.aborted) throw new HoldfastError('interrupted');
  if (!isWhole) throw new HoldfastError('source_failed', `the search below ${folder} ended early`);
}

function readable(finding: Exclude<Finding, { kind: 'end' | 'failed' }>): FoundSqlite {
  if (finding.kind === 'limit') return finding;
  const bytes = Buffer.from(finding.path, 'base64');
  if (finding.kind === 'unreadable') return { ...finding, path: escapePath(bytes) };
  const isNameable = isUtf8(bytes);
  return { ...finding, path: isNameable ? bytes.toString() : escapePath(bytes), isNameable };
}
