/** A backup as one bundle, or one file of it, made in a private folder and streamed from there. */
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyReply } from 'fastify';
import { bundleName, requireBackup } from './backup-list.ts';
import type { ServerContext } from './context.ts';
import { atNearest, type NearCopy } from './copies.ts';

export const stagingFolder = ({ settings }: ServerContext) => join(settings.home, 'downloads');

/** Removes what a server left behind that ended at once: it may be files of a backup in plain. */
export async function forgetDownloads(context: ServerContext): Promise<void> {
  await rm(stagingFolder(context), { recursive: true, force: true });
}

/** Sends a backup. Throws `id_unknown`, what opening a destination throws. */
export async function sendBundle(
  context: ServerContext,
  reply: FastifyReply,
  id: string,
  compression: 'zstd' | 'gzip',
): Promise<FastifyReply> {
  const backup = await requireBackup(context.catalog.db, id);
  return sendStaged(context, reply, id, async ({ engine, backupId }, file) => {
    const { sizeBytes } = await engine.exportBundle({ id: backupId, file, compression });
    return { sizeBytes, name: fileName(backup, compression) };
  });
}

/** Sends one file of a backup. Throws `item_unknown` for what is no file, and what `sendBundle` throws. */
export async function sendFile(
  context: ServerContext,
  reply: FastifyReply,
  id: string,
  wanted: { readonly artifact: string; readonly path: string },
): Promise<FastifyReply> {
  return sendStaged(context, reply, id, ({ engine, backupId }, file) =>
    engine.extractFile({ backupId, ...wanted, file }),
  );
}

/** It is whole on disk before the first byte goes out, so that a failure is an answer and not a cut file. */
async function sendStaged(
  context: ServerContext,
  reply: FastifyReply,
  id: string,
  make: (copy: NearCopy, file: string) => Promise<{ readonly sizeBytes: number; readonly name: string }>,
): Promise<FastifyReply> {
  const root = stagingFolder(context);
  await mkdir(root, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(root, 'file-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const file = join(folder, 'content');
    // What another copy left when it failed is not in the way of the next.
    const { sizeBytes, name } = await atNearest(context, reply, id, async (copy) => {
      await rm(file, { force: true });
      return make(copy, file);
    });
    const stream = createReadStream(file, { highWaterMark: 1 << 20 });
    stream.on('close', () => void remove());
    // What is never sent, since its reading could not be recorded, is never read to its end either.
    reply.raw.once('close', () => stream.destroy());
    return reply
      .type('application/octet-stream')
      .header('content-length', sizeBytes)
      .header('content-disposition', attachment(name))
      .header('x-content-type-options', 'nosniff')
      .serializer((value: unknown) => value as never)
      .send(stream);
  } catch (error) {
    await remove();
    throw error;
  }
}

function fileName({ type, started_at }: { type: string; started_at: number }, compression: string): string {
  return `${bundleName(type, started_at)}.tar.${compression === 'zstd' ? 'zst' : 'gz'}.enc`;
}

/** RFC 6266. The name comes from the backed-up host: nothing in it ends the header or becomes a path. Exported for its test. */
export function attachment(name: string): string {
  const plain =
    name
      .replace(/[^A-Za-z0-9._-]/g, '_')
      .replace(/^\.+/, '_')
      .slice(0, 200) || 'file';
  if (plain === name || name === '') return `attachment; filename="${plain}"`;
  const whole = encodeURIComponent(name.replace(/[/\\]/g, '_').toWellFormed()).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${whole}`;
}
