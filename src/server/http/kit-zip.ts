/** The recovery kit as one zip file, made in a private folder of the server. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError, isWeakPassphrase, writeKit } from '../../engine/index.ts';
import { listDocuments, storedConfig } from '../configuration/documents.ts';
import { exportFile } from '../configuration-file/export-file.ts';
import type { ServerContext } from './context.ts';
import { stagingFolder } from './download.ts';
import { redact } from './redact.ts';

/**
 * A kit of every stored destination. With a passphrase it holds the key, wrapped; a key as it is never leaves the server. Throws
 * `password_weak`, `document_unknown` when there is no destination yet, and what `writeKit` throws.
 */
export async function kitZip(
  context: ServerContext,
  passphrase: string | null,
): Promise<{ readonly name: string; readonly bytes: Buffer }> {
  const { catalog, workplace } = context;
  const weakness = passphrase === null ? null : isWeakPassphrase(passphrase);
  if (weakness !== null)
    throw new HoldfastError('password_weak', `the passphrase of the kit is weak: ${weakness}`);
  const config = await storedConfig(catalog.db);
  const names = (await listDocuments(catalog.db, 'destination')).map(({ name }) => name);
  if (names.length === 0) {
    throw new HoldfastError('document_unknown', 'there is no destination that a kit could tell of', {
      next: 'add a destination first',
    });
  }
  const destinations = [];
  for (const name of names) {
    const spec = await workplace.destination(config, name);
    destinations.push({ name, options: await spec.options() });
  }
  const root = stagingFolder(context);
  await mkdir(root, { recursive: true, mode: 0o700 });
  const staging = await mkdtemp(join(root, 'kit-'));
  try {
    const day = new Date(catalog.clock.nowMs()).toISOString().slice(0, 10);
    const folder = join(staging, `holdfast-recovery-kit-${day}`);
    const zipFile = `${folder}.zip`;
    await writeKit({
      ...{ folder, zipFile, destinations },
      ...{ withKey: passphrase !== null, kitPassphrase: passphrase },
      configuration: { name: 'holdfast.yaml', text: redact(await exportFile(catalog.db)) },
    });
    return { name: `holdfast-recovery-kit-${day}.zip`, bytes: await readFile(zipFile) };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}
