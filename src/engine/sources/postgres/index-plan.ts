/**
 * What of an archive's last section can be made as soon as its table is loaded. Only what is plainly understood: the
 * rest waits for pg_restore.
 */
import type { ArchiveToc, TocEntry } from './archive-toc.ts';
import { NAME, unquote } from './copy-statement.ts';

/** An index, or a constraint that comes with one. */
export interface IndexBuild {
  readonly entry: TocEntry;
  /** A constraint shuts everybody else out of the table; indexes can be made side by side. */
  readonly exclusive: boolean;
}

/** A foreign key, made without looking at the rows and then validated, which shuts nobody out. */
export interface ForeignKey {
  readonly entry: TocEntry;
  /** The two tables; the same one twice for a table that refers to itself. */
  readonly from: TocEntry;
  readonly to: TocEntry;
  readonly add: string;
  readonly validate: string;
}

/** With ONLY: pg_dump leaves it out for partitioned tables, whose keys cannot be made without validating. */
const FOREIGN_KEY = new RegExp(
  String.raw`^(ALTER TABLE ONLY (${NAME})\.(${NAME}))\s+ADD CONSTRAINT (${NAME}) FOREIGN KEY \([^;]*\) REFERENCES [^;]*;\s*$`,
  'u',
);

/**
 * Indexes of each table, by its id, that need nothing but the table. One that calls a function of the dump is not among
 * them: that function may look into tables that are not loaded yet.
 */
export function indexesOf(toc: ArchiveToc, tables: readonly TocEntry[]): Map<number, IndexBuild[]> {
  const found = new Map<number, IndexBuild[]>(tables.map(({ dumpId }) => [dumpId, []]));
  for (const entry of toc.entries) {
    const { section, kind, definition, tablespace, dependencies } = entry;
    if (section !== 'post-data' || (kind !== 'INDEX' && kind !== 'CONSTRAINT')) continue;
    if (definition === '' || tablespace || new Set(dependencies).size !== 1) continue;
    found.get(dependencies[0]!)?.push({ entry, exclusive: kind === 'CONSTRAINT' });
  }
  return found;
}

/** Foreign keys between the given tables that need nothing but these and the given entries. */
export function foreignKeysOf(
  toc: ArchiveToc,
  tables: ReadonlyMap<number, TocEntry>,
  made: ReadonlySet<number>,
): ForeignKey[] {
  return toc.entries.flatMap((entry) => {
    if (entry.section !== 'post-data' || entry.kind !== 'FK CONSTRAINT') return [];
    if (!entry.dependencies.every((id) => tables.has(id) || made.has(id))) return [];
    const match = FOREIGN_KEY.exec(entry.definition);
    if (!match || /\bNOT\s+(VALID|ENFORCED)\b/i.test(entry.definition)) return [];
    const [, alter, schema, name, constraint] = match;
    const ends = [...new Set(entry.dependencies)].flatMap((id) => tables.get(id) ?? []);
    const from = ends.find((one) => one.schema === unquote(schema!) && one.name === unquote(name!));
    if (!from || ends.length > 2) return [];
    const to = ends.find((one) => one !== from) ?? from;
    const add = entry.definition.replace(/;\s*$/, ' NOT VALID;');
    return [{ entry, from, to, add, validate: `${alter} VALIDATE CONSTRAINT ${constraint};` }];
  });
}
