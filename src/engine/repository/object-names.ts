/** Names of objects on storage: docs/format.md, section 1. */
export const CONFIG_NAME = 'config';

/** Folders that hold one kind of object each. Staged manifests wait in `resealed/` while reencrypt replaces them. */
export const FOLDERS = {
  slots: 'keys/',
  keyrings: 'keyrings/',
  signers: 'signers/',
  packs: 'packs/',
  index: 'index/',
  backups: 'backups/',
  archived: 'archived/',
  resealed: 'resealed/',
  holds: 'holds/',
  tombstones: 'tombstones/',
  leases: 'leases/',
  evidence: 'evidence/',
} as const;

/** Heads of ledgers, which are no part of the repository: it may be lost, and made anew, beside them. */
export const ANCHORS_FOLDER = 'anchors/';

const EPOCH_DIGITS = 8;
const SHA256_HEX = /^[0-9a-f]{64}$/;

const epochText = (epoch: number) => String(epoch).padStart(EPOCH_DIGITS, '0');

export const slotName = (slotId: string) => `${FOLDERS.slots}${slotId}`;
export const keyringName = (epoch: number) => `${FOLDERS.keyrings}${epochText(epoch)}`;
export const signersPrefix = (epoch: number) => `${FOLDERS.signers}${epochText(epoch)}/`;
export const signerName = (epoch: number, fingerprint: string) => `${signersPrefix(epoch)}${fingerprint}`;
export const packName = (sha256: string) => `${FOLDERS.packs}${sha256.slice(0, 2)}/${sha256}`;
export const indexName = (sha256: string) => `${FOLDERS.index}${sha256}`;
export const tombstoneName = (pack: string) => `${FOLDERS.tombstones}${pack}`;
export const leaseName = (id: string) => `${FOLDERS.leases}${id}`;
export const evidenceName = (backupId: string, drillId: string) =>
  `${FOLDERS.evidence}${backupId}_${drillId}`;
export const holdName = (backupId: string, holdId: string) => `${FOLDERS.holds}${backupId}_${holdId}`;

/** The epoch of `keyrings/00000003`, null for anything else. */
export function epochOfKeyringName(name: string): number | null {
  const text = name.slice(FOLDERS.keyrings.length);
  const epoch = Number(text);
  return Number.isInteger(epoch) && epoch > 0 && keyringName(epoch) === name ? epoch : null;
}

/** The pack's SHA-256 in `packs/ab/ab…`, null when the name is not that of a pack. */
export function packOfName(name: string): string | null {
  const sha256 = name.slice(name.lastIndexOf('/') + 1);
  return SHA256_HEX.test(sha256) && packName(sha256) === name ? sha256 : null;
}

/** Last segment of a name. */
export function leafOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}
