/** Repositories that somebody with the key made on purpose: trees that lead out, and chunks that are not what they are called. */
import { createHash } from 'node:crypto';
import { newHeader } from '../../src/engine/crypto/object-header.ts';
import { packSealer } from '../../src/engine/crypto/pack-cipher.ts';
import { decodeRecordNow } from '../../src/engine/repository/block-codec.ts';
import { openChunkWriter } from '../../src/engine/repository/chunk-writer.ts';
import { packName } from '../../src/engine/repository/object-names.ts';
import { FOOTER_MAGIC, openPack, readPackTable } from '../../src/engine/repository/pack-reader.ts';
import {
  decodeTable,
  ENCODINGS,
  encodeTable,
  type TableBlock,
} from '../../src/engine/repository/pack-toc.ts';
import type { Repository } from '../../src/engine/repository/repository.ts';
import { encodeTreeEntry } from '../../src/engine/repository/tree-codec.ts';
import type { TreeEntry } from '../../src/engine/sources/port.ts';
import { draftAt, namesOf } from './repository-world.ts';

/** Commits a backup whose tree `t` has exactly these entries, in this order; files with content hold `EVIL!`. */
export async function commitTree(repository: Repository, entries: readonly TreeEntry[]): Promise<string> {
  const { storage, keys } = repository;
  const writer = openChunkWriter({ storage, keys, index: await repository.loadIndex(), workers: 1 });
  const data = writer.openStream({ method: 'fixed', sizeBytes: 512 });
  await data.write(Buffer.from('EVIL!'));
  const { content } = await data.end();
  const records = writer.openStream({ method: 'fixed', sizeBytes: 512 });
  for (const entry of entries) {
    await records.write(Buffer.from(encodeTreeEntry(entry.content ? { ...entry, content } : entry)));
  }
  const { content: tree, sha256 } = await records.end();
  await writer.finish();
  const artifact = {
    ...{ name: 't', source: 'test', kind: 'tree', form: 'tree' as const, sizeBytes: 5, facts: {} },
    sha256: sha256.toString('hex'),
    content: { ...tree, refs: Buffer.from(tree.refs) },
  };
  const draft = draftAt(repository, { artifacts: [artifact] });
  return (await repository.manifests.commit(draft, writer.packsUsed())).id;
}

/** Puts a pack in the place of each, in which `forge` has changed chunks while their ids stayed; and removes the index. */
export async function forgeChunks(repository: Repository, forge: (chunk: Buffer) => Buffer): Promise<void> {
  const { storage } = repository;
  for (const name of await namesOf(storage, 'packs/')) {
    const bytes = await storage.get(name);
    const forged = await forgedPack(repository, name.slice(-64), bytes, forge);
    await storage.remove(name);
    await storage.put(packName(createHash('sha256').update(forged).digest('hex')), forged);
  }
  for (const name of await namesOf(storage, 'index/')) await storage.remove(name);
}

async function forgedPack(
  { storage, keys }: Repository,
  pack: string,
  bytes: Buffer,
  forge: (chunk: Buffer) => Buffer,
): Promise<Buffer> {
  const opener = openPack(keys, bytes);
  const place = { storage, keys };
  const table = [...decodeTable(await readPackTable(place, pack, bytes.length))];
  const masterKey = keys.masterKey(keys.epoch);
  const { header, key } = newHeader({
    type: 'pack',
    epoch: keys.epoch,
    repositoryId: keys.repositoryId,
    masterKey,
  });
  const sealer = packSealer({ key, header });
  const blocks: Buffer[] = [];
  const rows: TableBlock[] = [];
  let at = header.length;
  for (const [i, block] of table.entries()) {
    const record = opener.openBlock(i, bytes.subarray(at, at + block.storedBytes));
    at += block.storedBytes;
    const plain = decodeRecordNow(record, block.plainBytes, null);
    let from = 0;
    for (const { lengthBytes } of block.chunks) {
      forge(plain.subarray(from, from + lengthBytes)).copy(plain, from);
      from += lengthBytes;
    }
    const stored = sealer.sealBlock(Buffer.concat([Buffer.of(ENCODINGS.raw), plain]));
    blocks.push(stored);
    rows.push({ ...block, encoding: ENCODINGS.raw, storedBytes: stored.length });
  }
  const sealed = sealer.sealTable(encodeTable(rows));
  const footer = Buffer.alloc(4);
  footer.writeUInt32LE(sealed.length);
  return Buffer.concat([header, ...blocks, sealed, footer, FOOTER_MAGIC]);
}
