/** What is backed up: one shape for all workloads. */
import type { Pattern } from '../patterns.ts';

export type Source =
  | { readonly kind: 'postgres'; readonly url: string; readonly binFolder: string }
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'files'; readonly folder: string };

export interface Workload {
  readonly source: Source;
  /** Bytes of the plain dump, the file or the tree, before any change. */
  readonly sizeBytes: number;
  /** What it holds, for the report: `{ tables: 5, rows: 2500000 }`. */
  readonly facts: Readonly<Record<string, number>>;
  /** Changes about 1 % of the rows or files, other ones in every round, and gives their number. */
  change(pattern: Pattern, round: number): Promise<number>;
  /** Reads all of it once, so that no tool meets a cold page cache. */
  warm(): Promise<void>;
  /** A place to restore to that nobody has used. */
  restoreTarget(): Promise<RestoreTarget>;
  /** A database on a server like the one a drill of Holdfast makes; only where there are dumps. */
  drillTarget?(): Promise<RestoreTarget>;
  /** Throws when the file is not a dump of what the source holds now. */
  checkFile?(path: string): Promise<void>;
  /** Ends servers. Files beneath the folder stay. Idempotent. */
  close(): Promise<void>;
}

export interface RestoreTarget {
  /** The address of an empty database, or a path where nothing lies. */
  readonly place: string;
  /** Throws when what lies at `path` is not what the source holds now. A server's database is always at `place`. */
  check(path: string): Promise<void>;
  /** Before the next tool's turn; null for what goes with the workload's folder when all is measured. */
  readonly remove: (() => Promise<void>) | null;
}

export interface WorkloadOptions {
  /** Exists and is empty. */
  readonly folder: string;
  /** 1 is the full size. */
  readonly scale: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}
