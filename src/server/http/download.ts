/** A backup as one bundle, made in a private folder and streamed from there. */
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyReply } from 'fastify';
import { HoldfastError, silentProgress, withNearestCopy } from '../../engine/index.ts';
import { storedConfig } from '../configuration/documents.ts';
import { destinationsHolding, requireBackup } from './backup-list.ts';
import type { ServerContext } from './context.ts';

/**
 * Sends a backup. It is whole on disk before the first byte goes out, so that a failure is an answer and not a cut file. Throws
 * `id_unknown`, what opening a destination throws.
 */
export async function sendBundle(
  context: ServerContext,
  reply: FastifyReply,
  id: string,
  compression: 'zstd' | 'gzip',
): Promise<FastifyReply> {
  const { catalog, workplace, settings } = context;
  const backup = await requireBackup(catalog.db, id);
  const names = await destinationsHolding(catalog.db, id);
  if (names.length === 0)
    throw new HoldfastError('id_unknown', `no destination holds the backup ${id} any more`);
  const config = await storedConfig(catalog.db);
  const specs = await Promise.all(names.map((name) => workplace.destination(config, name)));
  const root = join(settings.home, 'downloads');
  await mkdir(root, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(root, 'bundle-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  const ending = new AbortController();
  const onClose = () => ending.abort(new HoldfastError('interrupted', 'the download was given up'));
  reply.raw.on('close', onClose);
  try {
    const file = join(folder, 'bundle');
    const port = { progress: silentProgress, signal: ending.signal };
    const { sizeBytes } = await withNearestCopy(specs, id, port, (copy) =>
      copy.engine.exportBundle({ id: copy.backupId, file, compression }),
    );
    const stream = createReadStream(file, { highWaterMark: 1 << 20 });
    stream.on('close', () => void remove());
    return reply
      .type('application/octet-stream')
      .header('content-length', sizeBytes)
      .header('content-disposition', `attachment; filename="${fileName(backup, compression)}"`)
      .header('x-content-type-options', 'nosniff')
      .serializer((value: unknown) => value as never)
      .send(stream);
  } catch (error) {
    await remove();
    throw error;
  }
}

function fileName({ type, started_at }: { type: string; started_at: number }, compression: string): string {
  const time = new Date(started_at).toISOString().replace(/[:.]/g, '-');
  return `${type}_${time}.tar.${compression === 'zstd' ? 'zst' : 'gz'}.enc`;
}
