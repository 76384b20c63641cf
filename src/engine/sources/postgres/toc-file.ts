import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArchiveToc } from './archive-toc.ts';
import type { RestoreContext } from './restore-context.ts';

/** An archive without data, as pg_restore reads it: the dump up to the end of its table of contents. */
export async function writeTocFile(
  context: Pick<RestoreContext, 'reader' | 'content' | 'scratchFolder'>,
  toc: ArchiveToc,
): Promise<string> {
  await mkdir(context.scratchFolder, { recursive: true, mode: 0o700 });
  const path = join(context.scratchFolder, 'toc.dump');
  const file = await open(path, 'w', 0o600);
  try {
    const range = { start: 0, end: toc.tocEnd };
    for await (const bytes of context.reader.read(context.content, range)) await file.writeFile(bytes);
  } finally {
    await file.close();
  }
  return path;
}
