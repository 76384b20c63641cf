import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { nearest } from '../contracts/suggest.ts';
import { HoldfastError, systemCode } from '../engine/base/errors.ts';
import type { SourceSpec } from '../engine/index.ts';
import { mask } from './mask.ts';

const SQLITE_HEADER = Buffer.from('SQLite format 3\0');

export const isPostgresAddress = (text: string) => /^postgres(ql)?:\/\//i.test(text);

/**
 * What a SOURCE argument means: a `postgres://` address, an SQLite file (by its header, or an empty file named
 * like a database), or files. Throws `source_missing`, `source_denied`, `usage` for other addresses.
 */
export async function recogniseSource(text: string, folder: string): Promise<SourceSpec> {
  if (isPostgresAddress(text)) {
    return { kind: 'postgres', name: postgresName(text), url: text, globals: false };
  }
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) {
    throw new HoldfastError('usage', `${mask(text)} is not a kind of source that is known`, {
      next: 'give a path or a postgres:// address',
    });
  }
  const path = resolve(folder, text);
  const name = basename(path) || 'root';
  if (await isSqlite(path, text)) return { kind: 'sqlite', name, path };
  return { kind: 'files', name, paths: [path], exclude: [], optional: false };
}

/** Gives sources that share a name a number behind it. */
export function withUniqueNames(sources: readonly SourceSpec[]): SourceSpec[] {
  const taken = new Set<string>();
  return sources.map((source) => {
    let name = source.name;
    for (let number = 2; taken.has(name); number += 1) name = `${source.name}-${number}`;
    taken.add(name);
    return { ...source, name };
  });
}

function postgresName(address: string): string {
  const path = /^[a-z]+:\/\/[^/?#]*\/([^?#]*)/i.exec(address)?.[1] ?? '';
  const named = path || /[?&]dbname=([^&#]*)/.exec(address)?.[1] || 'postgres';
  return decodeSafely(named).replace(/[^\p{L}\p{N}._-]/gu, '_');
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function isSqlite(path: string, given: string): Promise<boolean> {
  try {
    const info = await stat(path);
    if (!info.isFile()) return false;
    // SQLite itself creates a database as an empty file and fills it with the first table.
    if (info.size === 0) return /\.(db|sqlite|sqlite3)$/i.test(path);
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
      return bytesRead === 16 && buffer.equals(SQLITE_HEADER);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw await unreadable(path, given, error);
  }
}

async function unreadable(path: string, given: string, error: unknown): Promise<HoldfastError> {
  const code = systemCode(error);
  if (code === 'EACCES' || code === 'EPERM') {
    return new HoldfastError('source_denied', `${given} cannot be read with these permissions`);
  }
  if (code !== 'ENOENT' && code !== 'ENOTDIR') {
    return new HoldfastError('source_failed', `${given} cannot be read: ${code}`);
  }
  const neighbours = await readdir(dirname(path)).catch(() => []);
  const meant = nearest(basename(path), neighbours);
  return new HoldfastError(
    'source_missing',
    `${given} does not exist`,
    meant === null ? {} : { next: `check the path; did you mean ${meant}?` },
  );
}
