import { lstat, mkdir, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { streamOf } from '../base/bytes.ts';
import { HoldfastError, systemCode } from '../base/errors.ts';
import { type Progress, silentProgress } from '../base/progress.ts';
import type { BundleHeader } from './bundle-header.ts';
import { plainFile } from './bundle-item.ts';
import { type BundleManifest, MANIFEST_NAME, SIGNATURE_NAME } from './bundle-manifest.ts';
import { type BundleReadInput, type BundleReading, readBundle } from './bundle-reader.ts';
import { type EntryWriterOptions, entryWriter, type SkippedEntry } from './entry-writer.ts';

export interface ExtractInput extends BundleReadInput, EntryWriterOptions {
  /** The target: must not exist, or be an empty folder. Its parent must exist. */
  readonly folder: string;
  readonly progress?: Progress;
}

export interface ExtractReport {
  readonly header: BundleHeader;
  readonly manifest: BundleManifest;
  readonly entries: number;
  readonly bytes: number;
  /** The first of what could not be made, such as sockets; `skippedCount` counts all. */
  readonly skipped: readonly SkippedEntry[];
  readonly skippedCount: number;
  /** `valid` only when `signers` were given. */
  readonly signature: 'valid' | 'unchecked' | 'absent';
}

/**
 * Unpacks a bundle into a folder that appears whole, under its name, or not at all. Owners are left alone; times and
 * permission bits are set, setuid and setgid only when asked for. Record streams of trees are checked, not written.
 * Throws what `readBundle` throws, `target_not_empty` and `target_failed`.
 */
export async function extractBundle(input: ExtractInput): Promise<ExtractReport> {
  const target = resolve(input.folder);
  await expectFree(target);
  // Nothing is made on disk before the bundle opened.
  const reading = await readBundle(input);
  let workspace: string | null = null;
  try {
    workspace = await makeWorkspace(target);
    const root = join(workspace, 'content');
    await mkdir(root, { mode: 0o700 });
    const report = await unpack(reading, input, root, join(workspace, 'deferred'));
    await moveIntoPlace(root, target);
    return report;
  } finally {
    await reading.close();
    if (workspace !== null) await rm(workspace, { recursive: true, force: true });
  }
}

async function unpack(
  reading: BundleReading,
  input: ExtractInput,
  root: string,
  spoolPath: string,
): Promise<ExtractReport> {
  const progress = input.progress ?? silentProgress;
  const writer = await entryWriter(root, spoolPath, input);
  let entries = 0;
  let bytes = 0;
  const own = async (name: string, content: Buffer) =>
    writer.add(plainFile(name, content.length, streamOf(content), BigInt(Date.now()) * 1_000_000n), true);
  try {
    await own(MANIFEST_NAME, reading.manifestJson);
    for await (const item of reading.items) {
      if (item.role === 'records') continue;
      await writer.add(item, item.role === 'stream');
      entries += 1;
      bytes += item.sizeBytes;
      progress.advance({ bytes: item.sizeBytes, entries: 1 });
    }
    const signature = reading.signature();
    if (signature) await own(SIGNATURE_NAME, signature);
    await writer.finish();
    return {
      header: reading.header,
      manifest: reading.manifest,
      entries,
      bytes,
      skipped: writer.skipped(),
      skippedCount: writer.skippedCount(),
      signature: signature === null ? 'absent' : input.signers ? 'valid' : 'unchecked',
    };
  } finally {
    await writer.close();
  }
}

async function expectFree(target: string): Promise<void> {
  const found = await lstat(target).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null;
    throw targetFailed(target, error);
  });
  if (found === null) return;
  if (!found.isDirectory() || (await readdir(target)).length > 0) throw notEmpty(target);
}

async function makeWorkspace(target: string): Promise<string> {
  try {
    return await mkdtemp(join(dirname(target), `.${basename(target)}.holdfast-`));
  } catch (error) {
    throw targetFailed(target, error);
  }
}

/** A rename takes the place of an empty folder and of nothing else. */
async function moveIntoPlace(root: string, target: string): Promise<void> {
  try {
    await rename(root, target);
    const parent = await open(dirname(target), 'r');
    await parent.sync().finally(() => parent.close());
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(systemCode(error) ?? '')) throw notEmpty(target);
    throw targetFailed(target, error);
  }
}

function notEmpty(target: string): HoldfastError {
  return new HoldfastError('target_not_empty', `"${target}" is not an empty folder`);
}

function targetFailed(target: string, error: unknown): HoldfastError {
  const code = systemCode(error) ?? 'unknown';
  return new HoldfastError('target_failed', `"${target}" could not be written (${code})`, { cause: error });
}
