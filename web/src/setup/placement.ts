/** Where the parts of an opened backup go. */
export interface Placement {
  readonly way: 'folder' | 'each';
  readonly folder: string;
  /** By the name of the part; empty for what is left out. */
  readonly places: Readonly<Record<string, string>>;
  /** The part that is the old server's catalog; null for none. */
  readonly catalog: string | null;
}

export const NOWHERE: Placement = { way: 'folder', folder: '', places: {}, catalog: null };

/** Each part that goes somewhere; a null item stands for all of them. */
export function chosenTargets({ way, folder, places }: Placement) {
  if (way === 'folder') return folder.trim() === '' ? [] : [{ item: null, to: folder.trim() }];
  return Object.entries(places).flatMap(([item, to]) => (to.trim() === '' ? [] : [{ item, to: to.trim() }]));
}

/** As the server takes it. */
export const targetsOf = (placement: Placement) => ({
  targets: chosenTargets(placement),
  ...(placement.catalog === null ? {} : { catalog: placement.catalog }),
});
