import { isDeepStrictEqual } from 'node:util';
import type { DocumentKind } from '../catalog/tables/configuration.ts';

export type FileKind = 'tenant' | 'setting' | DocumentKind;

export interface FieldChange {
  readonly field: string;
  /** Undefined where it is absent. */
  readonly stored: unknown;
  readonly file: unknown;
}

export interface FileChange {
  readonly kind: FileKind;
  /** Of a setting its key, behind the tenant's id if it is a tenant's: `acme/retention.days`. */
  readonly name: string;
  /**
   * `keep`: only in the catalog, and never came from a file. `adopt`: equal, and belongs to the file from now on. `delete`: of a tenant,
   * that it is archived; of a setting, that it goes back to what is inherited.
   */
  readonly change: 'create' | 'replace' | 'delete' | 'keep' | 'adopt';
  /** Of the stored one; null when there is none, and for tenants and settings, which have no versions. */
  readonly version: number | null;
  readonly conflict: boolean;
  /** Who made the change in the catalog; null when it came from a file or from nobody in particular. */
  readonly changedBy: string | null;
  readonly fields: readonly FieldChange[];
  /** What is to be written; undefined for what the file does not have. */
  readonly body: unknown;
}

/** Field by field, with dots between; lists are one value. */
export function differences(field: string, stored: unknown, file: unknown): FieldChange[] {
  if (isDeepStrictEqual(stored, file)) return [];
  if (!isMap(stored) || !isMap(file)) return [{ field, stored, file }];
  const keys = [...new Set([...Object.keys(stored), ...Object.keys(file)])].sort();
  return keys.flatMap((key) => differences(field === '' ? key : `${field}.${key}`, stored[key], file[key]));
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
