import { HoldfastError } from '../base/errors.ts';
import { readBundle } from '../bundle/bundle-reader.ts';
import type { Credential } from '../crypto/key-text.ts';
import { decodeManifest, isApart, type Manifest } from '../repository/manifest.ts';
import { pathTimestamp } from '../repository/manifest-path.ts';
import type { ObjectInfo, Storage } from '../storage/port.ts';

export type BundleState = 'backups' | 'archived';

/** Whether the bundles of a place are encrypted. */
export type PlaceEncryption = 'aes-256-gcm' | 'none';

/** What bundles of a place are read with. */
export interface BundleAccess {
  readonly credentials: readonly Credential[];
  /** With `none` those that are not encrypted are read, too; else none of them is: nobody needs a key to make one. */
  readonly encryption: PlaceEncryption;
}

/** A bundle on a destination of the layout `bundles`. */
export interface StoredBundle {
  /** Object name, below `backups/` or `archived/`. */
  readonly name: string;
  readonly state: BundleState;
  readonly manifest: Manifest;
  readonly encryption: PlaceEncryption;
  readonly modifiedAtMs: number;
  /** Of the bundle. */
  readonly storedBytes: number;
}

const NAME = /^(backups|archived)\/[^/]+\/\d{4}\/\d{2}\/\d{2}\/[a-z]+_[^/]+\.tar\.(zst|gz)(\.enc)?$/;

/** Which one it is by its name, which `listBundles` holds against what it is. */
const encryptionOfName = (name: string): PlaceEncryption => (name.endsWith('.enc') ? 'aes-256-gcm' : 'none');

/** The path of a bundle: `backups/<tenant or global>/<YYYY>/<MM>/<DD>/<type>_<timestamp>.tar.gz.enc` (row D6); without `.enc` when not encrypted. */
export function bundleName(
  manifest: Pick<Manifest, 'tenantId' | 'type' | 'startedAt'>,
  compression: 'zstd' | 'gzip',
  encryption: PlaceEncryption,
): string {
  const { tenantId, type, startedAt } = manifest;
  const day = startedAt.slice(0, 10).replaceAll('-', '/');
  const ending = compression === 'zstd' ? 'zst' : 'gz';
  const name = `${type}_${pathTimestamp(startedAt)}.tar.${ending}${encryption === 'none' ? '' : '.enc'}`;
  return `backups/${tenantId ?? 'global'}/${day}/${name}`;
}

/** Bundles whose manifest opens with this access, newest first; what does not open is told to `onRejected`. Those that `isKnown` are left out unread. */
export async function listBundles(
  storage: Storage,
  access: BundleAccess,
  state: BundleState,
  onRejected: (name: string, why: string) => void,
  isKnown: (object: ObjectInfo) => boolean = () => false,
): Promise<StoredBundle[]> {
  const bundles: StoredBundle[] = [];
  for await (const object of storage.list(`${state}/`)) {
    const { name, modifiedAtMs, sizeBytes: storedBytes } = object;
    if (!NAME.test(name)) continue;
    const encryption = encryptionOfName(name);
    // Also one that was known while the place was another: what is known is not opened again.
    if (encryption === 'none' && access.encryption !== 'none') {
      onRejected(name, 'it is not encrypted, and this destination is');
      continue;
    }
    if (isKnown(object)) continue;
    try {
      const manifest = await manifestOf(storage, access.credentials, name);
      const compression = /\.gz(\.enc)?$/.test(name) ? 'gzip' : 'zstd';
      const isHere = bundleName(manifest, compression, encryption).slice(8) === name.slice(state.length + 1);
      if (isHere) bundles.push({ name, state, manifest, encryption, modifiedAtMs, storedBytes });
      else onRejected(name, 'its manifest belongs to another place');
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      onRejected(name, error.message);
    }
  }
  return bundles.sort((a, b) => (a.manifest.startedAt < b.manifest.startedAt ? 1 : -1));
}

async function manifestOf(
  storage: Storage,
  credentials: readonly Credential[],
  name: string,
): Promise<Manifest> {
  const reading = await readBundle({ source: storage.open(name), ...readerOf(credentials, name) });
  try {
    const isPlain = reading.header.encryption === 'none';
    if (isPlain !== (encryptionOfName(name) === 'none')) {
      throw new HoldfastError('bundle_malformed', 'its name says that it is not encrypted, and it is');
    }
    const manifest = decodeManifest(reading.manifestJson);
    if (manifest) return manifest;
    throw new HoldfastError('bundle_malformed', 'its manifest is not one this program reads');
  } finally {
    await reading.close();
  }
}

/** What reading a listed bundle takes beside its bytes: only one whose name says so may be unencrypted. */
export const readerOf = (credentials: readonly Credential[], name: string) => ({
  credentials,
  acceptsUnencrypted: encryptionOfName(name) === 'none',
});

/** The one bundle named by the beginning of its backup id, or `latest`. Throws `id_unknown`, `id_ambiguous`. */
export function findBundle(bundles: readonly StoredBundle[], text: string): StoredBundle {
  if (text === 'latest') {
    const newest = bundles.find(({ state, manifest }) => state === 'backups' && !isApart(manifest));
    if (newest) return newest;
    throw new HoldfastError('id_unknown', 'there is no backup yet');
  }
  const found = bundles.filter(({ manifest }) => manifest.id.startsWith(text));
  if (found.length === 0)
    throw new HoldfastError('id_unknown', `no backup has an id that begins with ${text}`);
  if (found.length > 1)
    throw new HoldfastError('id_ambiguous', `${found.length} backups have an id that begins with ${text}`);
  return found[0]!;
}

/** Moves a bundle between the listed ones and the archive: copied first, removed after. */
export async function moveBundle(storage: Storage, bundle: StoredBundle, state: BundleState): Promise<void> {
  if (bundle.state === state) return;
  await storage.put(`${state}${bundle.name.slice(bundle.name.indexOf('/'))}`, storage.open(bundle.name));
  await storage.remove(bundle.name);
}

/**
 * The newest bundle that is meant, for a drill. One that is newer and damaged is not passed over: an old backup would be called
 * the newest. Those under other keys are somebody else's. Throws `bundle_malformed`, `id_unknown`.
 */
export async function newestToDrill(
  storage: Storage,
  access: BundleAccess,
  isMeant: (bundle: StoredBundle) => boolean,
): Promise<Manifest> {
  const damaged: { name: string; why: string }[] = [];
  const onRejected = (name: string, why: string) => {
    if (!/\bkey\b/.test(why)) damaged.push({ name, why });
  };
  const meant = (await listBundles(storage, access, 'backups', onRejected)).filter(isMeant);
  const timeOf = (name: string) => name.slice(name.lastIndexOf('_') + 1);
  const newest = meant[0];
  const newer = damaged.find(({ name }) => newest === undefined || timeOf(name) > timeOf(newest.name));
  if (newer) throw new HoldfastError('bundle_malformed', `${newer.name}: ${newer.why}`);
  return findBundle(meant, 'latest').manifest;
}
