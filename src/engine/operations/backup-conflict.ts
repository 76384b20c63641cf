import { HoldfastError } from '../base/errors.ts';

/** What a manifest, a catalog or a listing says of a backup. */
export interface Comparable {
  readonly type: string;
  readonly startedAt?: string;
  readonly artifacts: readonly {
    readonly name: string;
    readonly kind: string;
    readonly sizeBytes: number;
    /** Of a stream; that of a tree differs from copy to copy. */
    readonly sha256?: string;
  }[];
}

/**
 * Copies of a backup have the same times, artifacts, sizes and hashes of streams: what differs in one of them, where both
 * tell it, is another backup under the same id. Throws `backup_conflict`.
 */
export function refuseConflict(id: string, known: Comparable, found: Comparable): void {
  const what = differenceOf(known, found);
  if (what) throw new HoldfastError('backup_conflict', `backup ${id} is known with other content: ${what}`);
}

function differenceOf(known: Comparable, found: Comparable): string | null {
  if (known.type !== found.type) return `type ${found.type} for ${known.type}`;
  if (known.startedAt !== undefined && found.startedAt !== undefined && known.startedAt !== found.startedAt) {
    return `begun ${found.startedAt} for ${known.startedAt}`;
  }
  const others = new Map(found.artifacts.map((artifact) => [artifact.name, artifact]));
  for (const { name, kind, sizeBytes, sha256 } of known.artifacts) {
    const other = others.get(name);
    if (!other) return `${name} is missing`;
    if (other.sizeBytes !== sizeBytes) return `${name} has ${other.sizeBytes} bytes for ${sizeBytes}`;
    const isTree = kind === 'tree' || other.kind === 'tree';
    if (!isTree && sha256 !== undefined && other.sha256 !== undefined && sha256 !== other.sha256) {
      return `${name} has another SHA-256`;
    }
    others.delete(name);
  }
  const [more] = others.keys();
  return more === undefined ? null : `${more} is new`;
}
