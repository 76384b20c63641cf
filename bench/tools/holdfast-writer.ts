/** Fills a repository with a long history, without a process for each backup. */
import { basename, join } from 'node:path';
import { parseKeyText } from '../../src/engine/crypto/key-text.ts';
import { silentProgress, systemClock } from '../../src/engine/index.ts';
import { backup } from '../../src/engine/operations/backup.ts';
import { openOrCreate } from '../../src/engine/operations/open-repository.ts';
import type { Source } from '../workloads/port.ts';
import { PASSWORD } from './password.ts';
import type { Writer } from './port.ts';

/**
 * Does what `holdfast backup` does, with everything opened once: the index stays in memory instead of being read for each, and one
 * thread compresses. What is stored is the same.
 */
export async function openWriter(
  source: Source,
  address: string,
  home: string,
  cacheFolder: string,
): Promise<Writer> {
  if (source.kind !== 'files') throw new Error('a history is one of files');
  // As bin/holdfast.js does: each thread would otherwise compile everything anew.
  process.env.NODE_COMPILE_CACHE ??= join(cacheFolder, 'holdfast');
  const stateFolder = join(home, 'state');
  const credentials = [parseKeyText(PASSWORD)];
  const opened = await openOrCreate({
    ...{ address, credentials, stateFolder, signingKeyFile: join(home, 'signing-key.pem') },
  });
  const index = await opened.repository.loadIndex();
  const context = {
    repository: { ...opened.repository, loadIndex: async () => index },
    progress: silentProgress,
    signal: new AbortController().signal,
    clock: systemClock,
    scratchRoot: join(stateFolder, 'scratch'),
    workers: 1,
    minimumFreeBytes: 0,
  };
  const { folder } = source;
  const spec = {
    kind: 'files',
    name: basename(folder),
    paths: [folder],
    exclude: [],
    optional: false,
  } as const;
  const request = { sources: [spec], plan: null, tenantId: null, type: 'storage' } as const;
  return {
    backup: async () => void (await backup(context, request)),
    close: () => opened.repository.storage.close(),
  };
}
