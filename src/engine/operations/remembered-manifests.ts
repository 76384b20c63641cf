/**
 * What this machine read of manifests and found good, so that it need not read all of them to know what one place lacks of another. A name
 * counts as known only with the size and time that it had when it was read; what the signatures of then were checked against must be
 * the same. A cache: losing it costs reading once more. Whether the bytes are still good is for verify, which never asks here.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { systemCode } from '../base/errors.ts';
import { rawKeyId } from '../crypto/key-text.ts';
import type { CopyPlace } from './copy-place.ts';
import { factsSchema, type KnownManifests, NOTHING_KNOWN } from './known-manifests.ts';

const fileSchema = z.object({
  version: z.literal(2),
  checkedBy: z.string(),
  manifests: z.record(
    z.string(),
    z.object({ storedBytes: z.number(), modifiedAtMs: z.number(), facts: factsSchema }),
  ),
});

/** What is known of a place. Nothing where it has no folder for it, or its keys cannot be told apart without showing something of them. */
export async function knownManifests(place: CopyPlace): Promise<KnownManifests> {
  const { stateFolder } = place;
  if (stateFolder === undefined) return NOTHING_KNOWN;
  const checkedBy = await checkedByOf(place);
  if (checkedBy === null) return NOTHING_KNOWN;
  const about = place.layout === 'bundles' ? place.storage.address : place.context.repository.id;
  const file = join(stateFolder, `manifests-${digest([place.layout, about]).slice(0, 32)}.json`);
  const before = await load(file, checkedBy);
  const now: z.infer<typeof fileSchema>['manifests'] = {};
  let isNew = false;
  return {
    factsOf({ name, storedBytes, modifiedAtMs }) {
      const known = before[name];
      if (known?.storedBytes !== storedBytes || known.modifiedAtMs !== modifiedAtMs) return null;
      now[name] = known;
      return known.facts;
    },
    learn({ name, storedBytes, modifiedAtMs }, facts) {
      now[name] = { storedBytes, modifiedAtMs, facts };
      isNew = true;
    },
    async save() {
      if (!isNew && Object.keys(now).length === Object.keys(before).length) return;
      const text = JSON.stringify({ version: 2, checkedBy, manifests: now });
      const beside = `${file}.${randomBytes(6).toString('hex')}.tmp`;
      try {
        await mkdir(stateFolder, { recursive: true, mode: 0o700 });
        await writeFile(beside, text, { mode: 0o600, flush: true });
        await rename(beside, file);
      } catch {
        await rm(beside, { force: true }).catch(() => {});
      }
    },
  };
}

/** What a manifest was held against: with other signers, or other keys, another may pass. */
async function checkedByOf(place: CopyPlace): Promise<string | null> {
  if (place.layout === 'bundles') {
    // The hash of a passphrase does not belong on a disk.
    const ids = place.credentials.map((one) => (one.kind === 'raw' ? rawKeyId(one.key) : null));
    return ids.includes(null) ? null : digest(ids);
  }
  const { repository } = place.context;
  const { valid } = await repository.signers.list();
  const signers = [...valid.values()].map(({ fingerprint, retiredAt }) => `${fingerprint} ${retiredAt}`);
  return digest([repository.keys.epoch, ...signers.sort()]);
}

const digest = (parts: unknown) => createHash('sha256').update(JSON.stringify(parts)).digest('hex');

/** A file that is missing, unreadable or of other signers knows nothing. */
async function load(file: string, checkedBy: string): Promise<z.infer<typeof fileSchema>['manifests']> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === null) throw error;
    return '';
  });
  try {
    const read = fileSchema.safeParse(JSON.parse(text));
    return read.success && read.data.checkedBy === checkedBy ? read.data.manifests : {};
  } catch {
    return {};
  }
}
