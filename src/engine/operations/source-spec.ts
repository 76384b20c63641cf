import { type BackupType, isOfType } from '../base/backup-type.ts';
import { HoldfastError } from '../base/errors.ts';
import { commandSource } from '../sources/command/index.ts';
import type { Extras } from '../sources/extract.ts';
import { filesSource } from '../sources/files/index.ts';
import type { Source } from '../sources/port.ts';
import { type PostgresOptions, postgresSource } from '../sources/postgres/index.ts';
import { sqliteSource } from '../sources/sqlite/index.ts';

/** A source, said as data. Paths are absolute. */
export type SourceSpec =
  | ({
      readonly kind: 'sqlite';
      readonly name: string;
      readonly path: string;
      readonly busyTimeoutMs?: number;
      readonly allowDamaged?: boolean;
    } & Extras)
  | ({
      readonly kind: 'postgres';
      readonly name: string;
      readonly url: string;
      readonly globals: boolean;
      readonly tenant?: NonNullable<PostgresOptions['tenant']>;
    } & Extras)
  | {
      readonly kind: 'files';
      readonly name: string;
      readonly paths: readonly string[];
      readonly exclude: readonly string[];
      readonly optional: boolean;
    }
  | {
      readonly kind: 'command';
      readonly name: string;
      readonly command: string;
      readonly artifactName: string;
      readonly restoreCommand: string | null;
    };

/** The source a spec describes. */
export function sourceOf(spec: SourceSpec): Source {
  if (spec.kind === 'sqlite') return sqliteSource(spec);
  if (spec.kind === 'postgres') {
    const { kind: _, ...options } = spec;
    return postgresSource(options);
  }
  if (spec.kind === 'files') {
    const { name, paths, exclude, optional } = spec;
    return filesSource({ name, roots: paths, excludes: exclude, optional });
  }
  const { name, command, artifactName } = spec;
  return commandSource({ name, command, artifactName });
}

/** Throws `usage` when nothing is left to back up. */
export function sourcesOf(specs: readonly SourceSpec[], type: BackupType): readonly Source[] {
  const chosen = specs.filter(({ kind }) => isOfType(kind, type));
  if (chosen.length > 0) return chosen.map(sourceOf);
  throw new HoldfastError('usage', `no source belongs to a backup of type ${type}`, {
    next: 'name a source, or choose another --type',
  });
}
