import { chmod, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError, newId } from '../../engine/index.ts';
import type { LedgerCheckpointsTable, LedgerEntriesTable } from '../catalog/tables/ledger.ts';
import { ledgerIdOf } from './append.ts';
import { refuseOtherDump } from './earlier-dump.ts';
import { checkpointOf, entryOf, headOf } from './entry-rows.ts';
import { type LedgerDb, type LedgerPlace, lockLedger } from './ledger-db.ts';
import { canonicalJson, type JsonValue } from './proof/canonical-json.ts';
import { CHECKPOINT_TABLES, KEYS_TABLE, STREAMS, type Stream } from './proof/statements.ts';
import { listLedgerKeys } from './rotate-keys.ts';

/** The summary of a table dump. */
export interface LedgerDump {
  readonly outDir: string;
  readonly counts: Readonly<Record<string, number>>;
}

const ROWS = 500;
const WRITE_BYTES = 262_144;

/**
 * Writes the ledger as five NDJSON files (0600) into a folder that is made 0700 when missing; an earlier dump of this
 * ledger there is replaced, each file whole or not at all. Appending goes on meanwhile: the files show one moment, that of
 * the begin. Needs no private key. Throws `ledger_missing`, `target_failed`, `target_not_empty` (a dump that this ledger does not go on from).
 */
export async function dumpLedger(place: LedgerPlace, outDir: string): Promise<LedgerDump> {
  const ledgerId = await ledgerIdOf(place.db);
  if (ledgerId === null) throw new HoldfastError('ledger_missing');
  await refuseOtherDump(place.db, outDir);
  const ends = await place.transaction(async (db) => {
    await lockLedger(db);
    const [vault, reads] = await Promise.all(STREAMS.map((stream) => headOf(db, stream)));
    return { audit_vault: vault!.seq, org_admin_reads: reads!.seq };
  });
  const { db } = place;
  const tables: [string, AsyncIterable<JsonValue>][] = [
    ['audit_vault', entryLines(db, 'audit_vault', ends.audit_vault)],
    [CHECKPOINT_TABLES.audit_vault, checkpointLines(db, 'audit_vault', ledgerId, ends.audit_vault)],
    [KEYS_TABLE, keyLines(db, ends.audit_vault)],
    ['org_admin_reads', entryLines(db, 'org_admin_reads', ends.org_admin_reads)],
    [
      CHECKPOINT_TABLES.org_admin_reads,
      checkpointLines(db, 'org_admin_reads', ledgerId, ends.org_admin_reads),
    ],
  ];
  try {
    return { outDir, counts: await writeFiles(outDir, tables) };
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError('target_failed', `${outDir}: ${(error as Error).message}`, { cause: error });
  }
}

/** Rows never change, so pages of them are of one moment. */
async function* entryLines(db: LedgerDb, stream: Stream, end: number): AsyncGenerator<JsonValue> {
  for (let from = 0; from < end; from += ROWS) {
    const rows = await db.query<LedgerEntriesTable>(
      `select * from ${stream} where seq > ? and seq <= ? order by seq`,
      [from, Math.min(from + ROWS, end)],
    );
    for (const row of rows) yield entryOf(stream, row) as unknown as JsonValue;
  }
}

async function* checkpointLines(
  db: LedgerDb,
  stream: Stream,
  ledgerId: string,
  end: number,
): AsyncGenerator<JsonValue> {
  for (let from = 0; ; ) {
    const rows = await db.query<LedgerCheckpointsTable>(
      `select * from ${CHECKPOINT_TABLES[stream]} where number > ? and seq <= ? order by number limit ${ROWS}`,
      [from, end],
    );
    if (rows.length === 0) return;
    for (const row of rows) yield checkpointOf(stream, ledgerId, row) as unknown as JsonValue;
    from = rows.at(-1)!.number;
  }
}

async function* keyLines(db: LedgerDb, end: number): AsyncGenerator<JsonValue> {
  yield* await listLedgerKeys(db, end);
}

async function writeFiles(
  folder: string,
  tables: readonly [string, AsyncIterable<JsonValue>][],
): Promise<Record<string, number>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const suffix = `.${newId()}.part`;
  const counts: Record<string, number> = {};
  const temporary = (name: string) => join(folder, `.${name}${suffix}`);
  try {
    for (const [name, lines] of tables) counts[name] = await writeLines(temporary(name), lines);
    for (const [name] of tables) await rename(temporary(name), join(folder, `${name}.ndjson`));
  } finally {
    for (const [name] of tables) await rm(temporary(name), { force: true });
  }
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  return counts;
}

async function writeLines(file: string, lines: AsyncIterable<JsonValue>): Promise<number> {
  const handle = await open(file, 'wx', 0o600);
  let count = 0;
  let text = '';
  try {
    for await (const line of lines) {
      count += 1;
      text += `${canonicalJson(line)}\n`;
      if (text.length < WRITE_BYTES) continue;
      await handle.writeFile(text);
      text = '';
    }
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await chmod(file, 0o600);
  return count;
}
