import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { HoldfastError, systemCode } from '../../engine/index.ts';
import type { LedgerDb } from './ledger-db.ts';
import { STREAMS } from './proof/statements.ts';

const lastEntry = z.object({ seq: z.int().min(1), hash: z.string() });
const BLOCK_BYTES = 65_536;

/**
 * An earlier dump in the folder may be replaced by one that goes on from it. One of another ledger, one with entries that this
 * ledger does not have (any more), and what cannot be read as one are evidence. Throws `target_not_empty`, then nothing was touched.
 */
export async function refuseOtherDump(db: LedgerDb, folder: string): Promise<void> {
  for (const stream of STREAMS) {
    const file = join(folder, `${stream}.ndjson`);
    const line = await lastLine(file);
    if (line === null) continue;
    const entry = parsed(line);
    if (entry === null) throw refused(`${file} is there, and is no dump of a ledger that could be read`);
    const [same] = await db.query<{ hash: string }>(`select hash from ${stream} where seq = ?`, [entry.seq]);
    if (same?.hash !== entry.hash) {
      throw refused(`${file} ends with entry ${entry.seq}, which this ledger does not have`);
    }
  }
}

const refused = (message: string) =>
  new HoldfastError('target_not_empty', message, {
    next: 'name another folder, and keep this dump: it may prove what the ledger no longer shows',
  });

function parsed(line: string): z.infer<typeof lastEntry> | null {
  try {
    return lastEntry.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

/** Null for a file that is not there or empty. Reads from the end: a dump may be large. */
async function lastLine(file: string): Promise<string | null> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null;
    throw refused(`${file} is there and cannot be read: ${systemCode(error) ?? error}`);
  });
  if (handle === null) return null;
  try {
    let tail = Buffer.alloc(0);
    for (let at = (await handle.stat()).size; at > 0; ) {
      const length = Math.min(BLOCK_BYTES, at);
      at -= length;
      const { buffer } = await handle.read(Buffer.alloc(length), 0, length, at);
      tail = Buffer.concat([buffer, tail]);
      const begin = tail.subarray(0, -1).lastIndexOf('\n');
      if (begin >= 0) return tail.subarray(begin + 1).toString();
    }
    return tail.length === 0 ? null : tail.toString();
  } finally {
    await handle.close();
  }
}
