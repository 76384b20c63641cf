import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HoldfastError, systemCode } from '../../engine/index.ts';

const BYTES = 32;

/**
 * The key that seals secrets of second factors in the catalog: 64 hex digits, from `text` where several servers share a catalog,
 * else from a file beside the catalog that is made 0600 when missing. Throws `key_malformed`.
 */
export async function readSealKey(text: string | undefined, file: string): Promise<Buffer> {
  if (text) return parsed(text, 'HOLDFAST_ACCESS_KEY');
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(`${randomBytes(BYTES).toString('hex')}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
  return parsed(await readFile(file, 'utf8'), file);
}

function parsed(text: string, where: string): Buffer {
  if (/^[0-9a-f]{64}\s*$/i.test(text)) return Buffer.from(text.trim(), 'hex');
  throw new HoldfastError('key_malformed', `${where} does not hold 64 hex digits`);
}
