import { HOUR_MS } from '../../engine/index.ts';
import type { LedgerAnchorsTable } from '../catalog/tables/ledger.ts';
import type { Ledger } from './ledger.ts';
import { canonicalJson, type JsonValue } from './proof/canonical-json.ts';
import type { Anchor, Stream } from './proof/statements.ts';

/** An anchor as it is put on a destination: below `anchors/<ledger id>/`. */
export interface AnchorObject {
  readonly ledgerId: string;
  readonly name: string;
  readonly bytes: Buffer;
}

/** An anchor is due when the last one at this place is older, or the ledger has grown by as much. */
const EVERY_MS = HOUR_MS;
const EVERY_ENTRIES = 1000;

const seqOf = ({ heads }: Pick<Anchor, 'heads'>, stream: Stream) =>
  heads.find((head) => head.stream === stream)?.seq ?? 0;

/**
 * Gives the heads, signed, to `write` for a destination where they are due, and remembers that. `always` writes unless
 * exactly these heads are there. False when there was nothing to do. `address` must hold no password.
 */
export async function anchorAt(
  ledger: Pick<Ledger, 'place' | 'heads' | 'anchor'>,
  address: string,
  write: (anchor: AnchorObject) => Promise<void>,
  options: { readonly always?: boolean } = {},
): Promise<boolean> {
  const { place } = ledger;
  const found = await ledger.heads();
  if (!found) return false;
  const [before] = await place.db.query<LedgerAnchorsTable>(
    'select * from ledger_anchors where address = ?',
    [address],
  );
  const grown = (stream: Stream) => seqOf(found, stream) - (before?.[`${stream}_seq`] ?? 0);
  const entries = Math.abs(grown('audit_vault')) + Math.abs(grown('org_admin_reads'));
  const isOld = !before || Math.abs(place.clock.nowMs() - before.at) >= EVERY_MS;
  const isDue = entries > 0 && (options.always === true || isOld || entries >= EVERY_ENTRIES);
  if (!isDue) return false;
  const anchor = (await ledger.anchor())!;
  await write(anchorObject(anchor));
  const values = [Date.parse(anchor.at), seqOf(anchor, 'audit_vault'), seqOf(anchor, 'org_admin_reads')];
  await place.transaction(async (db) => {
    await db.query('delete from ledger_anchors where address = ?', [address]);
    await db.query(
      'insert into ledger_anchors (address, at, audit_vault_seq, org_admin_reads_seq) values (?, ?, ?, ?)',
      [address, ...values],
    );
  });
  return true;
}

export function anchorObject(anchor: Anchor): AnchorObject {
  const time = anchor.at.replace(/[:.]/g, '-');
  return {
    ledgerId: anchor.ledger_id,
    name: `${time}_${anchor.hash.slice(0, 16)}`,
    bytes: Buffer.from(canonicalJson(anchor as unknown as JsonValue)),
  };
}
