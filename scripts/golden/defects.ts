/** What is wrong with each exhibit of the museum, how it got that way, and what must be reported. */
import { newId } from '../../src/engine/base/ids.ts';
import type { Credential } from '../../src/engine/crypto/key-text.ts';
import { newSigningKey, type SigningKey } from '../../src/engine/crypto/signing.ts';
import { stagedName } from '../../src/engine/repository/manifest-list.ts';
import { manifestPath } from '../../src/engine/repository/manifest-path.ts';
import { sealManifestBody, signManifest } from '../../src/engine/repository/manifest-seal.ts';
import { keyringName, signersPrefix } from '../../src/engine/repository/object-names.ts';
import type { Repository } from '../../src/engine/repository/repository.ts';
import { putTombstone } from '../../src/engine/repository/tombstones.ts';
import type { Storage } from '../../src/engine/storage/port.ts';
import type { FakeClock } from '../../test/support/fake-clock.ts';
import type { Exhibit } from '../../test/support/frozen-repository.ts';

interface Made {
  readonly id: string;
  /** Name of the pack with what this backup added. */
  readonly pack: string;
}

export interface Original {
  readonly storage: Storage;
  readonly clock: FakeClock;
  readonly keyText: string;
  readonly credential: Credential;
  readonly signingKey: SigningKey;
  readonly repository: Repository;
  /** A stream and a tree; the stream is shared with `second`. */
  readonly first: Made;
  readonly second: Made;
  /** Archived. */
  readonly third: Made;
}

type Shown = Omit<Exhibit, 'folder' | 'defect'>;

interface Defect {
  readonly defect: string;
  readonly damage: (storage: Storage, made: Original) => Promise<Shown>;
}

async function change(storage: Storage, name: string, edit: (bytes: Buffer) => Buffer): Promise<void> {
  const bytes = edit(Buffer.from(await storage.get(name)));
  await storage.remove(name);
  await storage.put(name, bytes);
}

const flipAt = (at: number) => (bytes: Buffer) => {
  bytes[at < 0 ? bytes.length + at : at]! ^= 0x10;
  return bytes;
};

async function only(storage: Storage, prefix: string): Promise<string> {
  for await (const { name } of storage.list(prefix)) return name;
  throw new Error(`nothing below ${prefix}`);
}

async function manifestOf({ repository }: Original, { id }: Made) {
  return repository.manifests.resolve(id, ['backups', 'archived']);
}

export const DEFECTS: { readonly [folder: string]: Defect } = {
  'pack-bit-flipped': {
    defect: 'one bit of a block is flipped; two backups share it',
    async damage(storage, { first, second }) {
      await change(storage, first.pack, flipAt(150));
      return { damaged: [first.pack], affected: [first.id, second.id], pruneRefused: 'verify_failed' };
    },
  },
  'pack-table-damaged': {
    defect: 'the table of a pack is damaged; the index still knows what is in it',
    async damage(storage, { second }) {
      await change(storage, second.pack, flipAt(-20));
      return { damaged: [second.pack] };
    },
  },
  'pack-cut': {
    defect: 'the end of a pack is missing, as after an upload that was called complete too early',
    async damage(storage, { third }) {
      await change(storage, third.pack, (bytes) => bytes.subarray(0, 300));
      return { damaged: [third.pack], affected: [third.id] };
    },
  },
  'pack-missing': {
    defect: 'a pack is gone',
    async damage(storage, { second }) {
      await storage.remove(second.pack);
      return { damaged: [second.pack], affected: [second.id] };
    },
  },
  'index-damaged': {
    defect: 'an index object is damaged; its packs say themselves what they hold',
    async damage(storage) {
      const name = await only(storage, 'index/');
      await change(storage, name, flipAt(120));
      return { damaged: [name], unlistedPacks: 1 };
    },
  },
  'index-missing': {
    defect: 'there is no index at all',
    async damage(storage) {
      for await (const { name } of storage.list('index/')) await storage.remove(name);
      return { unlistedPacks: 3 };
    },
  },
  'manifest-damaged': {
    defect: 'a manifest does not decode',
    async damage(storage, made) {
      const { ref } = await manifestOf(made, made.second);
      await change(storage, ref.name, flipAt(-1));
      return { rejected: [ref.name], affected: [made.second.id], pruneRefused: 'verify_failed' };
    },
  },
  'manifest-of-a-stranger': {
    defect: 'a manifest, sealed with the right key, is signed by nobody who is known',
    async damage(storage, made) {
      const { manifest } = await manifestOf(made, made.first);
      const forged = { ...manifest, id: newId(made.clock.nowMs()), startedAt: '2027-01-01T00:00:00.000Z' };
      const name = `backups/${manifestPath(forged)}`;
      await storage.put(
        name,
        sealManifestBody(made.repository, signManifest(made.repository, forged, newSigningKey())),
      );
      return { rejected: [name], affected: [forged.id], pruneRefused: 'verify_failed' };
    },
  },
  'manifest-of-another-tenant': {
    defect: 'a genuine manifest was copied to the place of another tenant',
    async damage(storage, made) {
      const { ref, manifest } = await manifestOf(made, made.first);
      const name = `backups/${manifestPath({ ...manifest, tenantId: 'mallory' })}`;
      await storage.put(name, await storage.get(ref.name));
      return { rejected: [name], pruneRefused: 'verify_failed' };
    },
  },
  'signer-missing': {
    defect: 'the public key of whoever signed everything is gone',
    async damage(storage, made) {
      const rejected: string[] = [];
      for await (const { name } of storage.list(signersPrefix(2))) await storage.remove(name);
      for (const one of [made.first, made.second, made.third])
        rejected.push((await manifestOf(made, one)).ref.name);
      return {
        rejected: rejected.sort(),
        affected: [made.first.id, made.second.id, made.third.id],
        pruneRefused: 'verify_failed',
      };
    },
  },
  'keyring-missing': {
    defect: 'the newest keyring is gone while the slot that opens it is there',
    async damage(storage) {
      for await (const { name } of storage.list('keys/')) {
        const slot = JSON.parse((await storage.get(name)).toString()) as { epoch: number };
        if (slot.epoch === 1) await storage.remove(name);
      }
      await storage.remove(keyringName(2));
      return { refused: { code: 'object_missing', names: keyringName(2) } };
    },
  },
  'slot-relabelled': {
    defect: 'the label of a key slot was changed',
    async damage(storage) {
      const name = await only(storage, 'keys/');
      await change(storage, name, (bytes) => Buffer.from(bytes.toString().replace('museum', 'mausole')));
      return { findings: [{ code: 'object_damaged', names: name }], damaged: [name] };
    },
  },
  'config-of-a-later-format': {
    defect: 'the config says format 2',
    async damage(storage) {
      await change(storage, 'config', (bytes) =>
        Buffer.from(bytes.toString().replace('"format":1', '"format":2')),
      );
      return { refused: { code: 'repository_newer', names: 'config' } };
    },
  },
  'config-missing': {
    defect: 'the config is gone',
    async damage(storage) {
      await storage.remove('config');
      return { refused: { code: 'repository_missing', names: 'no repository' } };
    },
  },
  'hold-damaged': {
    defect: 'a hold does not decode; it still holds',
    async damage(storage) {
      const name = await only(storage, 'holds/');
      await change(storage, name, flipAt(70));
      return { damaged: [name] };
    },
  },
  'tombstone-from-the-future': {
    defect: 'a tombstone was written by a clock ten years ahead',
    async damage(storage, made) {
      const later = { nowMs: () => Date.parse('2036-01-01T00:00:00.000Z') };
      const { repository } = made;
      const context = { id: repository.id, keys: repository.keys, storage, clock: later };
      await putTombstone(context, made.second.pack.slice(-64), 'museum');
      return { pruneRefused: 'clock_skew' };
    },
  },
  'reencrypt-cut-short': {
    defect: 'reencrypt ended between removing a manifest and writing its new form; it waits below resealed/',
    async damage(storage, made) {
      const { ref } = await manifestOf(made, made.first);
      await storage.put(stagedName(ref.name), await storage.get(ref.name));
      await storage.remove(ref.name);
      return {};
    },
  },
};
