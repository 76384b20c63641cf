import { createHash } from 'node:crypto';
import { compareTreePaths } from '../../src/engine/base/tree-order.ts';
import { openChunkReader } from '../../src/engine/repository/chunk-reader.ts';
import { openChunkWriter } from '../../src/engine/repository/chunk-writer.ts';
import { type RunTimer, startRunTimer } from '../../src/engine/repository/commit-check.ts';
import type { Manifest, ManifestArtifact, ManifestDraft } from '../../src/engine/repository/manifest.ts';
import { decodeTable } from '../../src/engine/repository/pack-toc.ts';
import { previousChunks } from '../../src/engine/repository/previous-chunks.ts';
import type { Repository } from '../../src/engine/repository/repository.ts';
import { scanPacks } from '../../src/engine/repository/scan-packs.ts';
import { decodeTreeEntries, encodeTreeEntry } from '../../src/engine/repository/tree-codec.ts';
import type { Content, TreeEntry } from '../../src/engine/sources/port.ts';
import { draftAt } from './repository-world.ts';
import type { SeededRandom } from './seed.ts';

/** What a small backup holds: streams by name, and trees of files by path. */
export interface Fixture {
  readonly streams?: { readonly [name: string]: Buffer };
  readonly trees?: { readonly [name: string]: { readonly [path: string]: Buffer } };
}

export interface BackupHooks {
  readonly draft?: Partial<ManifestDraft>;
  /** Chunks of a stream are stored as differences against its stream of the same name, where that pays. */
  readonly previous?: Manifest;
  /** Of a stream's chunks. Default 512. */
  readonly chunkBytes?: number;
  /** Between the steps of a run: index loaded, data written. */
  readonly pause?: (step: 'loaded' | 'written') => void | Promise<void>;
}

/** Makes a backup the way a run does: timer, index, chunks, commit. */
export async function makeBackup(
  repository: Repository,
  fixture: Fixture,
  hooks: BackupHooks = {},
): Promise<Manifest> {
  const timer: RunTimer = startRunTimer(repository.clock);
  const draft = draftAt(repository, hooks.draft);
  const index = await repository.loadIndex();
  await hooks.pause?.('loaded');
  const { storage, keys } = repository;
  const writer = openChunkWriter({ storage, keys, index, workers: 1 });
  const reader = openChunkReader({ storage, keys, index });
  try {
    const artifacts: ManifestArtifact[] = [];
    for (const [name, bytes] of Object.entries(fixture.streams ?? {})) {
      const stream = writer.openStream({ method: 'fixed', sizeBytes: hooks.chunkBytes ?? 512 });
      const before = hooks.previous?.artifacts.find((artifact) => artifact.name === name);
      if (before) stream.follow(await previousChunks(reader, index, before.content));
      await stream.write(bytes);
      const { content, sha256 } = await stream.end();
      artifacts.push(artifactOf(name, 'stream', bytes.length, sha256, content));
    }
    for (const [name, files] of Object.entries(fixture.trees ?? {})) {
      const data = writer.openStream({ method: 'fixed', sizeBytes: 512 });
      const records = writer.openStream({ method: 'fixed', sizeBytes: 512 });
      let sizeBytes = 0;
      for (const [path, bytes] of Object.entries(files).sort(inTreeOrder)) {
        await data.write(bytes);
        const taken = data.takeContent();
        data.flush();
        await records.write(encodeTreeEntry(fileEntry(path, bytes.length, await taken)));
        sizeBytes += bytes.length;
      }
      await data.end();
      const { content, sha256 } = await records.end();
      artifacts.push(artifactOf(name, 'tree', sizeBytes, sha256, content));
    }
    await writer.finish();
    await hooks.pause?.('written');
    return await repository.manifests.commit({ ...draft, artifacts }, writer.packsUsed(), { timer });
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

const inTreeOrder = ([a]: [string, Buffer], [b]: [string, Buffer]) =>
  compareTreePaths(Buffer.from(a), Buffer.from(b));

function artifactOf(
  name: string,
  form: 'stream' | 'tree',
  sizeBytes: number,
  sha256: Buffer,
  content: Content,
): ManifestArtifact {
  const { refs, ...sizes } = content;
  return {
    name,
    source: 'test',
    kind: form === 'tree' ? 'tree' : 'command',
    form,
    sizeBytes,
    sha256: sha256.toString('hex'),
    content: { ...sizes, refs: Buffer.from(refs) },
    facts: {},
  };
}

function fileEntry(path: string, sizeBytes: number, content: Content): TreeEntry {
  return {
    path: Buffer.from(path),
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    user: '',
    group: '',
    modifiedAtNs: 0n,
    changedAtNs: 0n,
    inode: 1n,
    sizeBytes,
    linkTarget: null,
    hardLinkTo: null,
    deviceNumber: 0n,
    extents: null,
    content: sizeBytes === 0 ? null : content,
  };
}

/** Reads every byte of a backup back. Throws whatever keeps it from being restored. */
export async function restoreBackup(repository: Repository, manifest: Manifest): Promise<Required<Fixture>> {
  const index = await repository.loadIndex({ forReading: true });
  const reader = openChunkReader({ storage: repository.storage, keys: repository.keys, index });
  const whole = async (content: Content) => {
    const parts: Buffer[] = [];
    for await (const part of reader.read(content)) parts.push(Buffer.from(part));
    return Buffer.concat(parts);
  };
  const streams: { [name: string]: Buffer } = {};
  const trees: { [name: string]: { [path: string]: Buffer } } = {};
  try {
    for (const { name, form, content, sha256 } of manifest.artifacts) {
      const bytes = await whole(content);
      if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw new Error(`${name} differs`);
      if (form === 'stream') streams[name] = bytes;
      else {
        const files: { [path: string]: Buffer } = {};
        for await (const entry of decodeTreeEntries(reader.read(content))) {
          files[entry.path.toString()] = entry.content ? await whole(entry.content) : Buffer.alloc(0);
        }
        trees[name] = files;
      }
    }
    return { streams, trees };
  } finally {
    await reader.close();
  }
}

/** The same bytes but for a few, so that most of them differ a little from what they were. */
export function edited(bytes: Buffer, random: SeededRandom, edits = 3): Buffer {
  const copy = Buffer.from(bytes);
  for (let i = 0; i < edits && copy.length > 0; i += 1) copy[random.int(copy.length)]! ^= 1 + random.int(255);
  return copy;
}

/** Chunks stored as differences, in the packs that are there. */
export async function countDeltas(repository: Repository): Promise<number> {
  let deltas = 0;
  for await (const { table } of scanPacks(repository)) {
    for (const { bases } of decodeTable(table)) if (bases.length > 0) deltas += 1;
  }
  return deltas;
}
