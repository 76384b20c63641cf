/** Holds what passes against the manifest. Writer and reader use the same, so no bundle is made that will not open. */
import { createHash } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import { type BundleItem, printablePath } from './bundle-item.ts';
import { type BundleArtifact, type BundleManifest, recordsName } from './bundle-manifest.ts';
import { malformed } from './limits.ts';

/** What an item is to its artifact: the stream itself, an entry of a tree, or the tree's record stream. */
export type ItemRole = 'stream' | 'entry' | 'records';

export interface PlacedItem extends BundleItem {
  readonly artifact: BundleArtifact;
  readonly role: ItemRole;
  /** For an entry, its raw path below the tree's root, empty for the root itself; empty otherwise. */
  readonly innerPath: Buffer;
}

export interface ArtifactCheck {
  /** Gives an item its place. Throws `bundle_malformed` for one of no artifact, or of one already complete. */
  place(item: BundleItem): PlacedContent;
  /** Throws `bundle_malformed` when a stream or a record stream never came. */
  finish(): void;
}

export interface PlacedContent {
  readonly item: PlacedItem;
  /** Reads what was left of the content. It, or reading to the end, throws `restore_mismatch` for a wrong hash. */
  finish(): Promise<void>;
}

const NO_PATH = Buffer.alloc(0);

export function artifactCheck(manifest: BundleManifest): ArtifactCheck {
  const open = new Map<string, { artifact: BundleArtifact; role: ItemRole }>();
  const trees = new Map<string, Tree>();
  for (const artifact of manifest.artifacts) {
    if (artifact.form === 'stream') open.set(artifact.name, { artifact, role: 'stream' });
    else {
      open.set(recordsName(artifact.name), { artifact, role: 'records' });
      const root = Buffer.from(artifact.name);
      trees.set(root.toString('latin1'), { artifact, root });
    }
  }

  const placeEntry = (item: BundleItem): PlacedItem | null => {
    const tree = treeOf(item.path, trees);
    if (tree === null) return null;
    const { artifact, root } = tree;
    // The records come behind all entries, so that the end of a tree is known.
    if (!open.has(recordsName(artifact.name))) throw malformed(`has entries behind "${artifact.name}.tree"`);
    return { ...item, artifact, role: 'entry', innerPath: item.path.subarray(root.length + 1) };
  };

  return {
    place(item) {
      const entry = placeEntry(item);
      if (entry) return { item: entry, finish: async () => {} };
      const name = item.path.toString();
      const place = Buffer.from(name).equals(item.path) ? open.get(name) : undefined;
      if (!place || item.kind !== 'file' || item.content === null || item.extents !== null) {
        throw malformed(`holds "${printablePath(item.path)}", which is in no place its manifest names`);
      }
      if (place.role === 'stream' && item.sizeBytes !== place.artifact.sizeBytes) {
        throw malformed(`holds "${name}" in another size than its manifest says`);
      }
      open.delete(name);
      const { content, finish } = hashed(item.content, name, place.artifact.sha256);
      return { item: { ...item, ...place, content, innerPath: NO_PATH }, finish };
    },
    finish() {
      const [missing] = open.keys();
      if (missing !== undefined) throw malformed(`lacks "${missing}", which its manifest names`);
    },
  };
}

interface Tree {
  readonly artifact: BundleArtifact;
  readonly root: Buffer;
}

/** The tree a path is the root of or lies in. By lookup: a manifest may name many trees, a tar many entries. */
function treeOf(path: Buffer, trees: ReadonlyMap<string, Tree>): Tree | null {
  const text = path.toString('latin1');
  for (let end = text.indexOf('/'); end >= 0; end = text.indexOf('/', end + 1)) {
    const tree = trees.get(text.slice(0, end));
    if (tree) return tree;
  }
  return trees.get(text) ?? null;
}

function hashed(source: AsyncIterable<Uint8Array>, name: string, sha256: string) {
  const hash = createHash('sha256');
  const iterator = source[Symbol.asyncIterator]();
  let ended = false;
  const take = async () => {
    const next = ended ? null : await iterator.next();
    if (next === null) return null;
    if (!next.done) {
      hash.update(next.value);
      return next.value;
    }
    ended = true;
    if (hash.digest('hex') === sha256) return null;
    throw new HoldfastError('restore_mismatch', `"${name}" differs from what the manifest says`);
  };
  async function* content() {
    for (let part = await take(); part !== null; part = await take()) yield part;
  }
  return {
    content: content(),
    async finish() {
      while ((await take()) !== null);
    },
  };
}
