import { HoldfastError } from '../base/errors.ts';
import { ANCHORS_FOLDER, leafOf } from '../repository/object-names.ts';
import type { Repository } from '../repository/repository.ts';
import { openStorage } from '../storage/open-storage.ts';
import type { StorageSettings } from '../storage/storage-settings.ts';

/** A destination, as far as anchors need it: no key of it. */
export interface AnchorPlace {
  readonly address: string;
  readonly storage?: StorageSettings;
  readonly signal: AbortSignal;
}

/** An object of `anchors/`: signed by a ledger, opaque here. */
export interface StoredAnchor {
  /** Destination and object, for people. */
  readonly where: string;
  readonly bytes: Buffer;
}

/** What a ledger writes is a tenth of it. */
const MAX_BYTES = 16_384;

/** Puts the head of a ledger where its owner cannot change it. Throws `storage_*`, and `object_exists` for other bytes in its place. */
export async function writeAnchor(
  place: AnchorPlace,
  anchor: { readonly ledgerId: string; readonly name: string; readonly bytes: Uint8Array },
): Promise<void> {
  const { signal } = place;
  const storage = await openStorage(place.address, place.storage);
  const name = `${ANCHORS_FOLDER}${anchor.ledgerId}/${anchor.name}`;
  try {
    const put = await storage.put(name, anchor.bytes, { signal });
    if (put === 'created' || (await storage.get(name, undefined, { signal })).equals(anchor.bytes)) return;
    throw new HoldfastError('object_exists', `${name} holds something else`);
  } finally {
    await storage.close();
  }
}

/** Every anchor there, of whatever ledger. Unproven: anybody who may write there may have put them. Throws `storage_*`. */
export async function* readAnchors({
  address,
  storage: settings,
  signal,
}: AnchorPlace): AsyncGenerator<StoredAnchor> {
  const storage = await openStorage(address, settings);
  try {
    for await (const { name } of storage.list(ANCHORS_FOLDER, { signal })) {
      const bytes = await storage.get(name, { offset: 0, length: MAX_BYTES + 1 }, { signal });
      yield { where: `${leafOf(name)} at ${storage.address}`, bytes };
    }
  } finally {
    await storage.close();
  }
}

/** What a backup's manifest says of the ledger. */
export interface BackupLedgerHead {
  readonly backupId: string;
  readonly ledgerHead: string;
}

/** Of every backup that passes all checks, archived ones too, and was made where a ledger is kept. */
export async function ledgerHeads({ manifests }: Repository): Promise<BackupLedgerHead[]> {
  const found: BackupLedgerHead[] = [];
  for (const state of ['backups', 'archived'] as const) {
    for await (const { manifest } of manifests.readAll({ state })) {
      if (manifest.ledgerHead !== null)
        found.push({ backupId: manifest.id, ledgerHead: manifest.ledgerHead });
    }
  }
  return found;
}
