/** The part of manifest.json a bundle depends on; the repository knows the rest (docs/format.md section 7). */
import { codeOf } from '../base/errors.ts';
import { asInteger, asRecord, asText, parseJsonRecord } from '../crypto/encoding.ts';
import { checkEntryPath } from './entry-path.ts';
import { DEFAULT_LIMITS, malformed } from './limits.ts';

export interface BundleArtifact {
  readonly name: string;
  readonly form: 'stream' | 'tree';
  readonly sizeBytes: number;
  /** Hex, of the plain bytes; for a tree, of its record stream. */
  readonly sha256: string;
}

export interface BundleManifest {
  readonly id: string;
  readonly artifacts: readonly BundleArtifact[];
}

export const MANIFEST_NAME = 'manifest.json';
export const SIGNATURE_NAME = 'manifest.sig';

/** The name of a tree's record stream in the tar. */
export function recordsName(tree: string): string {
  return `${tree}.tree`;
}

/** Throws `bundle_malformed` or `path_unsafe`; also when two artifacts would lie at the same place. */
export function parseBundleManifest(json: Uint8Array): BundleManifest {
  let manifest: BundleManifest;
  try {
    const record = parseJsonRecord(json, 'it');
    const list = Array.isArray(record.artifacts) ? record.artifacts : [];
    manifest = { id: asText(record.id, 'its id', 64), artifacts: list.map(parseArtifact) };
  } catch (error) {
    if (codeOf(error) !== 'object_damaged') throw error;
    throw malformed(`has a manifest in which ${(error as Error).message}`);
  }
  checkNames(manifest.artifacts);
  return manifest;
}

function parseArtifact(value: unknown): BundleArtifact {
  const record = asRecord(value, 'an artifact');
  const { form, sha256 } = record;
  if (form !== 'stream' && form !== 'tree') throw malformed('has an artifact of an unknown form');
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw malformed('has an artifact without a sha256');
  }
  return {
    name: asText(record.name, 'the name of an artifact', 1024),
    form,
    sizeBytes: asInteger(record.sizeBytes, 0, Number.MAX_SAFE_INTEGER, 'the size of an artifact'),
    sha256,
  };
}

/** No name may equal another or lie below it: each byte of the tar then belongs to one artifact. */
function checkNames(artifacts: readonly BundleArtifact[]): void {
  const taken = new Set([MANIFEST_NAME, SIGNATURE_NAME]);
  for (const { name, form } of artifacts) {
    for (const place of form === 'tree' ? [name, recordsName(name)] : [name]) {
      checkEntryPath(Buffer.from(place), DEFAULT_LIMITS);
      if (taken.has(place)) throw malformed(`has two artifacts at "${place}"`);
      taken.add(place);
    }
  }
  for (const place of taken) {
    for (let i = place.indexOf('/'); i > 0; i = place.indexOf('/', i + 1)) {
      if (taken.has(place.slice(0, i))) throw malformed(`has an artifact inside another at "${place}"`);
    }
  }
}
