/** What this host remembers of the recovery kits it made, so that doctor can say when one is missing or out of date. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { streamOf } from '../base/bytes.ts';
import { systemCode } from '../base/errors.ts';
import type { Repository } from '../repository/repository.ts';
import type { DoctorCheck } from './doctor.ts';
import { writeNewFile } from './write-file.ts';

const recordSchema = z.object({
  version: z.literal(1),
  madeAt: z.iso.datetime({ precision: 3 }),
  slotIds: z.array(z.string()),
  fingerprints: z.array(z.string()),
});

/** The keys and signers a kit told of. */
export type KitRecord = z.infer<typeof recordSchema>;

/** `id` is that of the repository, or the address where there is none. */
function recordFile(stateFolder: string, id: string): string {
  const name = /^[0-9a-f-]{36}$/.test(id) ? id : createHash('sha256').update(id).digest('hex').slice(0, 32);
  return join(stateFolder, `kit-${name}.json`);
}

/** Null when no kit was made here, or the record is not readable as one. */
export async function readKitRecord(stateFolder: string, id: string): Promise<KitRecord | null> {
  return readRecord(recordFile(stateFolder, id));
}

async function readRecord(file: string): Promise<KitRecord | null> {
  try {
    const text = await readFile(file, 'utf8');
    return recordSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** When the newest kit was made here, ISO 8601; null when none was. */
export async function newestKit(stateFolder: string): Promise<string | null> {
  const names = await readdir(stateFolder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  let newest: string | null = null;
  for (const name of names) {
    const record = /^kit-.+\.json$/.test(name) ? await readRecord(join(stateFolder, name)) : null;
    if (record && (newest === null || record.madeAt > newest)) newest = record.madeAt;
  }
  return newest;
}

export async function writeKitRecord(stateFolder: string, id: string, record: KitRecord): Promise<void> {
  await writeNewFile({
    target: recordFile(stateFolder, id),
    content: streamOf(Buffer.from(JSON.stringify(record))),
    sha256: null,
    replace: true,
    signal: new AbortController().signal,
  });
}

const NO_KIT: DoctorCheck = {
  name: 'recovery kit',
  status: 'warning',
  message: 'no recovery kit was made on this machine',
  next: 'run holdfast kit FOLDER, and keep it away from this machine',
};

const madeOn = ({ madeAt }: KitRecord) => `made on ${madeAt.slice(0, 10)}`;

/** The same for a destination of bundles, which has no keys of its own. */
export async function bundleKitCheck(address: string, stateFolder: string): Promise<DoctorCheck> {
  const record = await readKitRecord(stateFolder, address);
  return record === null ? NO_KIT : { ...NO_KIT, status: 'ok', message: madeOn(record), next: null };
}

/** Whether a kit was made here that still tells of every key and signer. */
export async function kitCheck(repository: Repository, stateFolder: string): Promise<DoctorCheck> {
  const record = await readKitRecord(stateFolder, repository.id);
  if (record === null) return NO_KIT;
  const slots = await repository.listSlots();
  const { valid } = await repository.signers.list();
  const news = [
    ...(slots.some(({ slotId, current }) => current && !record.slotIds.includes(slotId)) ? ['keys'] : []),
    ...([...valid.keys()].some((one) => !record.fingerprints.includes(one)) ? ['signers'] : []),
  ];
  if (news.length === 0) return { ...NO_KIT, status: 'ok', message: madeOn(record), next: null };
  return { ...NO_KIT, message: `${madeOn(record)}, before there were new ${news.join(' and ')}` };
}
