/** What backs up: one shape for all tools. */
import type { Command } from '../command.ts';
import type { Source } from '../workloads/port.ts';

export interface Tool {
  /** `restic-0.14`. */
  readonly name: string;
  /** As the program itself says it. */
  readonly version: string;
  /** What it does to the data, for the report: encryption, compression. */
  readonly settings: string;
  readonly kinds: readonly Source['kind'][];
  /** It costs the same whichever rows were edited: of several patterns it runs after the last alone. */
  readonly patternsAreAlike?: true;
  /**
   * A new, empty place of its own beneath `folder`, which exists; or a copy of one in which so many backups were `made`. Nothing
   * is run yet.
   */
  session(source: Source, folder: string, made?: number): Session;
}

/** Null means that the tool has no such thing, and is left out of that step. */
export interface Session {
  /** Run once, not measured: makes the repository. */
  readonly prepare: Command | null;
  /** The folder whose bytes are counted; null when nothing is kept. */
  readonly repository: string | null;
  backup(run: number): Command | null;
  /** The stage that set the pace of the last backup, where the tool tells. */
  slowestStage?(): string;
  /** The latest backup to a path or into an empty database. */
  restore(place: string): Restore | null;
  /** The latest backup of a database as one file of PostgreSQL's own format. */
  toFile?(path: string): Restore | null;
  /** Brings the latest backup back to look at it. `wallSeconds`: of the part that is compared; null for all of it. */
  drill?(place: string): (Restore & { readonly wallSeconds: (() => number) | null }) | null;
  /** Reads every stored byte and checks it. */
  verify?(): Command;
  /** Drops all backups but the newest, and gives back the space of what only they needed. */
  prune?(keep: number): Command;
  /** Makes backups without a process for each: to prepare long histories, never measured. */
  openWriter?(): Promise<Writer>;
}

export interface Restore {
  /** Run before, and not measured. */
  readonly prepare?: Command;
  readonly command: Command;
  /** Where it then lies. */
  readonly path: string;
}

export interface Writer {
  backup(): Promise<void>;
  close(): Promise<void>;
}
