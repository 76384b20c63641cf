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
  /** A new, empty place of its own beneath `folder`, which exists. Nothing is run yet. */
  session(source: Source, folder: string): Session;
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
  /** The latest backup to a path or into an empty database. `prepare` is not measured; `path` is where it then lies. */
  restore(
    place: string,
  ): { readonly prepare?: Command; readonly command: Command; readonly path: string } | null;
}
