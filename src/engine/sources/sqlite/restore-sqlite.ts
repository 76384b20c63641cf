import type { Stats } from 'node:fs';
import { type FileHandle, lstat, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { writeAlong } from '../../base/write-along.ts';
import type { ArtifactReader, Content, Facts } from '../port.ts';
import { checkUntilAborted } from './check-until-aborted.ts';
import { type ReplaceTask, replaceDatabase, SIDE_FILES } from './replace-database.ts';
import { runTask } from './sqlite-task.ts';

export interface RestoreSqliteOptions {
  readonly reader: ArtifactReader;
  readonly content: Content;
  readonly sizeBytes: number;
  /** Hex; not compared when left out. */
  readonly sha256?: string;
  /** Of the artifact: they say that the copy was checked, or backed up knowingly damaged. */
  readonly facts?: Facts;
  readonly target: string;
  /** Confirmed: a database that is there gives way. */
  readonly replace?: boolean;
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
  /** Where the finished file stands until it takes the target's place; in the target's folder. Default: a new name. */
  readonly temporary?: string;
  /** Called when all is checked and the target has taken in its own journal, right before the exchange. */
  readonly beforeReplace?: () => void;
}

interface Place {
  /** The target, or the file a symbolic link there leads to. */
  readonly path: string;
  readonly existing: Stats | null;
}

/**
 * Writes the database beside the target, compares size and hash of what lies in the file with those of the copy that passed its
 * `integrity_check`, and only then renames it into place. Without facts of such a check it is made here. A new file is 0600; one that replaces another takes its mode, and its owner where permitted. Journal
 * files of what is replaced go with it. Throws `target_not_empty`, `target_busy`, `restore_mismatch`, `target_failed`,
 * `interrupted`, and what reading throws; then the target is as it was. A connection that holds the target open in
 * rollback-journal mode without a transaction is not noticed: it goes on with the old file.
 */
export async function restoreSqlite(options: RestoreSqliteOptions): Promise<void> {
  const { signal = new AbortController().signal } = options;
  const target = resolve(options.target);
  if (signal.aborted) throw new HoldfastError('interrupted');
  let temporary: string | null = null;
  try {
    const { path, existing } = await placeOf(target, options.replace === true);
    const isThere = existing !== null;
    await replace({ temporary: null, target: path, isThere });
    temporary = options.temporary ?? join(dirname(path), `.holdfast-${newId()}.part`);
    await writeChecked(temporary, options, existing, signal);
    await requireSound(temporary, options, signal);
    if (options.beforeReplace) {
      await replace({ temporary: null, target: path, isThere });
      options.beforeReplace();
    }
    await replace({ temporary, target: path, isThere });
  } catch (error) {
    if (temporary) await rm(temporary, { force: true });
    throw translated(error, target);
  }
}

/** Puts a finished database in the place of one that is there, as a restore does. Throws `target_busy`, `target_failed`. */
export async function exchangeSqlite(exchange: {
  readonly finished: string;
  readonly target: string;
  readonly beforeReplace: () => void;
}): Promise<void> {
  const { finished, target, beforeReplace } = exchange;
  await replace({ temporary: null, target, isThere: true });
  beforeReplace();
  await replace({ temporary: finished, target, isThere: true });
}

/** Only where something is there does SQLite work, and needs a thread. */
async function replace(place: Omit<ReplaceTask, 'kind'>): Promise<void> {
  const task = { kind: 'replace', ...place } as const;
  if (place.isThere) await runTask<'replace'>(task);
  else replaceDatabase(task);
}

/** Journal files without their database count too: they would be played into whatever appears beside them. */
async function placeOf(target: string, replace: boolean): Promise<Place> {
  const found = await lstatOrNull(target);
  if (!replace) {
    for (const end of found ? [''] : SIDE_FILES) {
      if (!(await lstatOrNull(target + end))) continue;
      throw new HoldfastError('target_not_empty', `${target}${end} is there already`);
    }
  }
  if (!found?.isSymbolicLink()) return { path: target, existing: fileOnly(found, target) };
  const path = await realpath(target).catch(() => {
    throw new HoldfastError('target_failed', `${target} is a symbolic link to nothing`);
  });
  return { path, existing: fileOnly(await lstatOrNull(path), path) };
}

function fileOnly(found: Stats | null, path: string): Stats | null {
  if (found === null || found.isFile()) return found;
  throw new HoldfastError('target_failed', `${path} is not a file`);
}

async function lstatOrNull(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
}

async function writeChecked(
  path: string,
  { reader, content, sizeBytes, sha256, target, onBytes }: RestoreSqliteOptions,
  existing: Stats | null,
  signal: AbortSignal,
): Promise<void> {
  const written = await writeAlong(path, {
    ...{ content: reader.read(content), isHashed: true, signal, onBytes },
    ...(existing && { onWritten: (file) => takeOver(file, existing) }),
  });
  if (written.sizeBytes === sizeBytes && (sha256 === undefined || written.sha256 === sha256)) return;
  throw new HoldfastError('restore_mismatch', `${target} would differ from what was backed up`);
}

/** Owner first: changing it clears bits of the mode. Only root may give files away; others own what they write. */
async function takeOver(file: FileHandle, { uid, gid, mode }: Stats): Promise<void> {
  await file.chown(uid, gid).catch((error: unknown) => {
    if (systemCode(error) !== 'EPERM') throw error;
  });
  await file.chmod(mode & 0o777);
}

/**
 * The hash proved the file to be the copy that was checked when it was backed up, or that is known to be damaged. Only what
 * comes without such facts is checked here.
 */
async function requireSound(path: string, options: RestoreSqliteOptions, signal: AbortSignal): Promise<void> {
  const { facts, sha256 } = options;
  const wasChecked = Array.isArray(facts?.tables) && sha256 !== undefined;
  if (wasChecked || Array.isArray(facts?.damage)) return;
  const checked = await checkUntilAborted(path, null, signal);
  if (!checked || checked.damage.length === 0) return;
  const name = basename(options.target);
  throw new HoldfastError('restore_mismatch', `${name} would fail its integrity check: ${checked.damage[0]}`);
}

function translated(error: unknown, target: string): unknown {
  const code = systemCode(error);
  if (error instanceof HoldfastError || code === null || !/^E[A-Z]+$/.test(code)) return error;
  return new HoldfastError('target_failed', `${target} cannot be written: ${code}`, { cause: error });
}
