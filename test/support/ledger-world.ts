/** A ledger with history, its dump as values that a test can falsify, and the keys that only its owner has. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newSigningKey, type SigningKey } from '../../src/engine/index.ts';
import { openCatalog } from '../../src/server/catalog/catalog.ts';
import { anchorObject } from '../../src/server/ledger/anchor-due.ts';
import type { NewEntry } from '../../src/server/ledger/append.ts';
import { placeOfCatalog } from '../../src/server/ledger/catalog-place.ts';
import { dumpLedger } from '../../src/server/ledger/dump.ts';
import { type Ledger, openLedger } from '../../src/server/ledger/ledger.ts';
import { openPrivateKeys } from '../../src/server/ledger/private-keys.ts';
import { canonicalJson, type JsonValue } from '../../src/server/ledger/proof/canonical-json.ts';
import type { KeyLine } from '../../src/server/ledger/proof/schemas.ts';
import { type Checkpoint, type Entry, prove } from '../../src/server/ledger/proof/statements.ts';
import type { KeptStatement } from '../../src/server/ledger/proof/verify-anchors.ts';
import { rotateLedgerKey } from '../../src/server/ledger/rotate-keys.ts';

/** An entry to record; `n` makes it differ from others. */
export const newEntry = (n: number, more: Partial<NewEntry> = {}): NewEntry => ({
  stream: 'audit_vault',
  tenantId: n % 3 === 0 ? 'acme' : null,
  actor: { kind: 'test', id: '0', name: 'tester' },
  action: 'backup',
  object: { kind: 'backup', id: String(n) },
  outcome: 'succeeded',
  detail: { n, names: ['Grüße', 'line\nend', '\u2028'], nothing: null },
  ...more,
});

/** The five files of a dump, by name without ending. */
export interface DumpLines {
  readonly audit_vault: readonly Entry[];
  readonly vault_checkpoints: readonly Checkpoint[];
  readonly vault_signing_keys: readonly KeyLine[];
  readonly org_admin_reads: readonly Entry[];
  readonly org_admin_reads_checkpoints: readonly Checkpoint[];
}

export interface LedgerWorld {
  readonly ledgerId: string;
  readonly lines: DumpLines;
  /** The keys of both eras: the first is retired at half of the entries. */
  readonly keys: readonly [SigningKey, SigningKey];
  /** What a destination keeps of the end. */
  readonly anchor: KeptStatement;
  /** What the manifest of a backup made at the end says. */
  readonly manifest: KeptStatement;
}

/** A ledger in an empty folder whose `audit_vault` has exactly so many entries, the key rotated in the middle. */
export async function ledgerWorld(folder: string, entries: number): Promise<LedgerWorld> {
  const catalog = await openCatalog({ file: join(folder, 'catalog.db') });
  const keyFolder = join(folder, 'ledger-keys');
  const ledger = openLedger(placeOfCatalog(catalog), { keyFolder, checkpoints: { everyEntries: 90 } });
  const privateKeys = openPrivateKeys(keyFolder);
  const half = Math.floor(entries / 2);
  await recordInParts(ledger, half - 1);
  await ledger.recordAll([1, 2, 3].map((n) => newEntry(n, { stream: 'org_admin_reads', action: 'restore' })));
  const [first] = await privateKeys.list();
  await rotateLedgerKey(ledger);
  const [second] = await openPrivateKeys(keyFolder).list();
  await recordInParts(ledger, entries - half - 2);
  await ledger.recordAll([4, 5].map((n) => newEntry(n, { stream: 'org_admin_reads', action: 'preview' })));
  await ledger.checkpoint();
  const dump = join(folder, 'dump');
  await dumpLedger(ledger.place, dump);
  const anchor = (await ledger.anchor())!;
  const ledgerHead = (await ledger.headText())!;
  await catalog.close();
  return {
    ledgerId: anchor.ledger_id,
    lines: await readDump(dump),
    keys: [first!, second!],
    anchor: { where: 'an anchor', bytes: anchorObject(anchor).bytes },
    manifest: { where: 'a manifest', ledgerHead },
  };
}

async function recordInParts(ledger: Ledger, entries: number): Promise<void> {
  for (let left = entries; left > 0; left -= 40) {
    await ledger.recordAll(Array.from({ length: Math.min(40, left) }, (_, n) => newEntry(left - n)));
  }
}

const FILES = [
  ...['audit_vault', 'vault_checkpoints', 'vault_signing_keys'],
  ...['org_admin_reads', 'org_admin_reads_checkpoints'],
] as const;

export async function readDump(folder: string): Promise<DumpLines> {
  const lines: Record<string, unknown[]> = {};
  for (const name of FILES) {
    const text = await readFile(join(folder, `${name}.ndjson`), 'utf8');
    lines[name] = text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as unknown);
  }
  return lines as unknown as DumpLines;
}

export async function writeDump(folder: string, lines: DumpLines): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const name of FILES) {
    const text = lines[name].map((line) => `${canonicalJson(line as unknown as JsonValue)}\n`).join('');
    await writeFile(join(folder, `${name}.ndjson`), text);
  }
  return folder;
}

/** Numbers and joins entries anew from index `from` on; signs them with `key`, or leaves the signatures that were there. */
export function joinedAnew(
  entries: readonly Entry[],
  from: number,
  key: SigningKey | null,
  keyId?: string,
): Entry[] {
  const made = entries.slice(0, from);
  for (const { hash: _, signature, ...body } of entries.slice(from)) {
    const before = made.at(-1);
    const next = {
      ...body,
      seq: made.length + 1,
      previous_hash: before?.hash ?? '0'.repeat(64),
      key_id: keyId ?? body.key_id,
    };
    const proven = prove('ledgerEntry', next, key ?? STRANGER);
    made.push(key ? proven : { ...proven, signature });
  }
  return made;
}

/** A key that nobody knows. */
export const STRANGER = newSigningKey();
