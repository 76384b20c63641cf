/** Sessions of uploads as files: `ID.json` says what is wanted, `ID.bundle` is what has come. */
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Clock, DAY_MS, HoldfastError, isId } from '../../engine/index.ts';

const meta = z.object({
  version: z.literal(1),
  name: z.string().nullable(),
  sizeBytes: z.number(),
  /** Hex; as announced, and once all is there as computed. */
  sha256: z.string().nullable(),
  isComplete: z.boolean(),
  /** Once it is imported. */
  backupId: z.string().nullable(),
  userId: z.string(),
  createdAtMs: z.number(),
});
export type UploadMeta = Readonly<z.output<typeof meta>>;

export interface UploadSession extends UploadMeta {
  readonly id: string;
  /** Bytes that are there. */
  readonly offset: number;
  readonly expiresAtMs: number;
}

const KEPT_MS = DAY_MS;

export type UploadStore = ReturnType<typeof uploadStore>;

/** `get` throws `item_unknown` for what is not there, over, or somebody else's. */
export function uploadStore(folder: string, clock: Clock) {
  const metaFile = (id: string) => join(folder, `${id}.json`);
  const dataFile = (id: string) => join(folder, `${id}.bundle`);

  async function write(id: string, fields: UploadMeta): Promise<void> {
    const beside = `${metaFile(id)}.part`;
    await writeFile(beside, JSON.stringify(fields), { mode: 0o600, flush: true });
    await rename(beside, metaFile(id));
  }

  async function read(id: string): Promise<UploadSession | null> {
    // An id is a name here and nothing else.
    if (!isId(id)) return null;
    const text = await readFile(metaFile(id), 'utf8').catch(() => null);
    const parsed = text === null ? null : meta.safeParse(JSON.parse(text));
    if (!parsed?.success) return null;
    const data = (await stat(dataFile(id)).catch(() => null)) ?? (await stat(metaFile(id)));
    const offset = parsed.data.backupId === null ? data.size : parsed.data.sizeBytes;
    return {
      ...parsed.data,
      id,
      offset,
      expiresAtMs: Math.max(data.mtimeMs, parsed.data.createdAtMs) + KEPT_MS,
    };
  }

  async function all(): Promise<UploadSession[]> {
    const names: string[] = await readdir(folder).catch(() => []);
    const ids = names.flatMap((name) => /^([0-9a-f-]{36})\.json$/.exec(name)?.[1] ?? []);
    return (await Promise.all(ids.map(read))).filter((one) => one !== null);
  }

  async function get(id: string, userId: string): Promise<UploadSession> {
    const found = await read(id);
    if (found && found.userId === userId && found.expiresAtMs > clock.nowMs()) return found;
    throw new HoldfastError('item_unknown', `there is no upload ${id}`, { next: 'begin a new one' });
  }

  async function erase(id: string): Promise<void> {
    for (const file of [dataFile(id), metaFile(id)]) await rm(file, { force: true });
  }

  return { dataFile, write, all, get, erase };
}
