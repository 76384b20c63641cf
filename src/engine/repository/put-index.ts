import { createHash } from 'node:crypto';
import { sealObject } from '../crypto/sealed-object.ts';
import { encodeIndex, type ListedPack } from './index-object.ts';
import { indexName } from './object-names.ts';
import type { IndexFile } from './read-index.ts';
import type { RepositoryContext } from './repository-context.ts';

/** Writes an index object that lists these packs, under the current epoch. */
export async function putIndex(
  { storage, keys }: Pick<RepositoryContext, 'storage' | 'keys'>,
  packs: readonly ListedPack[],
): Promise<IndexFile> {
  const bytes = sealObject({
    type: 'index',
    epoch: keys.epoch,
    masterKey: keys.masterKey(keys.epoch),
    repositoryId: keys.repositoryId,
    payload: encodeIndex(packs),
  });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const name = indexName(sha256);
  await storage.put(name, bytes, { sha256 });
  return { name, sizeBytes: bytes.length };
}
