import { HoldfastError } from '../base/errors.ts';
import type { Manifest, ManifestArtifact } from '../repository/manifest.ts';

/** What an ITEM of the command line means: an artifact, or something inside one. */
export interface SelectedItem {
  readonly artifact: ManifestArtifact;
  /** Path below a tree, or `schema.table` of a dump; null for the artifact as a whole. */
  readonly inside: string | null;
}

/**
 * Finds an item: `app.db`, `uploads/2026/logo.png`, `db.dump/public.users`, or a source's name, which means all its
 * artifacts. Null gives every artifact. Throws `item_unknown` with what there is.
 */
export function selectItems(manifest: Manifest, item: string | null): SelectedItem[] {
  const { artifacts } = manifest;
  if (item === null) return artifacts.map((artifact) => ({ artifact, inside: null }));
  const text = item.replace(/\/+$/, '');
  const exact = artifacts.filter(({ name }) => name === text);
  if (exact.length > 0) return exact.map((artifact) => ({ artifact, inside: null }));
  const holding = artifacts.find(({ name }) => text.startsWith(`${name}/`));
  if (holding) return [{ artifact: holding, inside: text.slice(holding.name.length + 1) }];
  const ofSource = artifacts.filter(({ source }) => source === text);
  if (ofSource.length > 0) return ofSource.map((artifact) => ({ artifact, inside: null }));
  const names = artifacts.map(({ name }) => name).join(', ');
  throw new HoldfastError('item_unknown', `backup ${manifest.id} holds no ${item}`, {
    next: `it holds: ${names}`,
  });
}
