import type { Client } from 'pg';
import { HoldfastError } from '../../base/errors.ts';
import type { ArchiveToc, TocEntry } from './archive-toc.ts';
import { quoteName, quoteQualified } from './quote.ts';

/** What hangs on a table and is made with it. */
const WITH_TABLE = new Set(['DEFAULT', 'CONSTRAINT', 'INDEX', 'SEQUENCE', 'SEQUENCE OWNED BY', 'COMMENT']);
const ATTACH = new Set(['TABLE ATTACH', 'INDEX ATTACH']);

export interface TableClosure {
  /** In the order of the dump. */
  readonly entries: readonly TocEntry[];
  /** Tables among them, whose rows are loaded. */
  readonly tables: readonly TocEntry[];
}

/** The TABLE entry of a name. Throws `item_unknown`. */
export function tableEntry(toc: ArchiveToc, schema: string, name: string): TocEntry {
  const found = toc.entries.find((one) => one.kind === 'TABLE' && one.schema === schema && one.name === name);
  if (found) return found;
  throw new HoldfastError('item_unknown', `the dump holds no table ${schema}.${name}`);
}

/** The table's own entry and what hangs on it, with the state of its sequences. */
export function entriesWith(toc: ArchiveToc, table: TocEntry): TocEntry[] {
  const chosen = new Set([table.dumpId, ...sequencesOf(toc, table)]);
  const hangsOn = (entry: TocEntry) =>
    WITH_TABLE.has(entry.kind) && entry.dependencies.some((id) => chosen.has(id));
  const entries = toc.entries.filter((entry) => chosen.has(entry.dumpId) || hangsOn(entry));
  const sequences = new Set(entries.filter(({ kind }) => kind === 'SEQUENCE').map(({ dumpId }) => dumpId));
  const isState = (entry: TocEntry) =>
    entry.kind === 'SEQUENCE SET' && entry.dependencies.some((id) => sequences.has(id));
  return [...entries, ...toc.entries.filter(isState)];
}

/**
 * A table with everything it needs: types, functions, schemas, sequences, partitions, its foreign keys, and the tables these refer to with
 * all that they need. What `isThere` says of is left as it is, and nothing is made for its sake. Triggers, rules and policies stay out.
 */
export function closureOf(
  toc: ArchiveToc,
  table: TocEntry,
  isThere: (entry: TocEntry) => boolean,
): TableClosure {
  const byId = new Map(toc.entries.map((entry) => [entry.dumpId, entry]));
  const chosen = new Set<number>();
  const tables = new Set<TocEntry>();
  const open: TocEntry[] = [table];
  const need = (entry: TocEntry | undefined) => {
    if (entry && !chosen.has(entry.dumpId) && !open.includes(entry)) open.push(entry);
  };
  for (let entry = open.pop(); entry; entry = open.pop()) {
    if (entry !== table && isThere(entry)) continue;
    chosen.add(entry.dumpId);
    for (const id of entry.dependencies) {
      const other = byId.get(id);
      if (other?.section === 'pre-data') need(other);
      // A foreign key names the key it refers to, and that its table.
      else if (other && entry.kind === 'FK CONSTRAINT') {
        for (const deeper of other.dependencies)
          if (byId.get(deeper)?.kind === 'TABLE') need(byId.get(deeper));
      }
    }
    if (entry.kind === 'SEQUENCE') for (const one of toc.entries) if (isStateOf(one, entry)) need(one);
    if (entry.kind !== 'TABLE') continue;
    tables.add(entry);
    for (const one of entriesWith(toc, entry))
      if (one.section !== 'pre-data' || one.kind !== 'TABLE') need(one);
    for (const one of toc.entries) if (isForeignKeyOf(one, entry) || isPartOf(one, entry)) need(one);
  }
  // The state of a sequence that is there is its own: others go on counting with it.
  const isForeignState = (entry: TocEntry) =>
    entry.kind === 'SEQUENCE SET' &&
    !toc.entries.some((one) => chosen.has(one.dumpId) && isStateOf(entry, one));
  const isChosen = (entry: TocEntry) => chosen.has(entry.dumpId) && !isForeignState(entry);
  return { entries: toc.entries.filter(isChosen), tables: [...tables] };
}

const isStateOf = (entry: TocEntry, sequence: TocEntry) =>
  entry.kind === 'SEQUENCE SET' &&
  sequence.kind === 'SEQUENCE' &&
  entry.dependencies.includes(sequence.dumpId);

function isForeignKeyOf(entry: TocEntry, { schema, name, dumpId }: TocEntry): boolean {
  return (
    entry.kind === 'FK CONSTRAINT' &&
    entry.schema === schema &&
    entry.name.startsWith(`${name} `) &&
    entry.dependencies.includes(dumpId)
  );
}

const isPartOf = (entry: TocEntry, { dumpId }: TocEntry) =>
  ATTACH.has(entry.kind) && entry.dependencies.includes(dumpId);

/** Sequences whose ownership or default ties them to the table. */
function sequencesOf(toc: ArchiveToc, table: TocEntry): number[] {
  const kinds = new Map(toc.entries.map((entry) => [entry.dumpId, entry.kind]));
  const ties = toc.entries.filter(
    (entry) =>
      ['SEQUENCE OWNED BY', 'DEFAULT'].includes(entry.kind) && entry.dependencies.includes(table.dumpId),
  );
  return ties.flatMap((entry) => entry.dependencies).filter((id) => kinds.get(id) === 'SEQUENCE');
}

const TYPES = new Set(['TYPE', 'DOMAIN', 'SHELL TYPE']);
const RELATIONS = new Set(['TABLE', 'SEQUENCE', 'VIEW', 'MATERIALIZED VIEW', 'FOREIGN TABLE']);
const ROUTINES = new Set(['FUNCTION', 'PROCEDURE', 'AGGREGATE']);

/** Which entries of a dump are in the database already, by name. */
export async function entriesThere(client: Client, toc: ArchiveToc): Promise<ReadonlySet<number>> {
  const asked = toc.entries.flatMap(({ dumpId, kind, schema, name }) => {
    const text = kind === 'SCHEMA' ? quoteName(name) : quoteQualified(schema, name);
    if (kind === 'SCHEMA') return [{ id: dumpId, what: 'schema', text }];
    if (TYPES.has(kind)) return [{ id: dumpId, what: 'type', text }];
    if (RELATIONS.has(kind)) return [{ id: dumpId, what: 'relation', text }];
    if (ROUTINES.has(kind)) return [{ id: dumpId, what: 'routine', text: `${quoteName(schema)}.${name}` }];
    return [];
  });
  const { rows } = await client.query(
    `select id from json_to_recordset($1) as a(id int, what text, text text) where case what
       when 'schema' then to_regnamespace(text) is not null when 'type' then to_regtype(text) is not null
       when 'relation' then to_regclass(text) is not null else to_regprocedure(text) is not null end`,
    [JSON.stringify(asked)],
  );
  return new Set(rows.map(({ id }) => id));
}
