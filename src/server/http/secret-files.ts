import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '../../engine/index.ts';

/**
 * Keeps a secret that came by the API in a file of the data folder, 0600, so that the catalog holds only the file's name. Gives
 * the file. Workers on other machines need their own.
 */
export async function writeSecretFile(home: string, name: string, text: string): Promise<string> {
  const folder = join(home, 'secrets');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, name);
  const beside = `${file}.${newId()}`;
  const handle = await open(beside, 'wx', 0o600);
  try {
    await handle.writeFile(`${text}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(beside, file);
  const place = await open(folder, 'r');
  await place.sync();
  await place.close();
  return file;
}
