/** The backup's rows of one tenant beside the live ones, in temporary tables of the restoring transaction, and what SQL compares. */
import type { Client } from 'pg';
import { HoldfastError } from '../../base/errors.ts';
import { copyIn } from './copy-in.ts';
import { quoteName, quoteQualified, quoteText } from './quote.ts';
import { shownTable, type TenantScope } from './tenant-rules.ts';

/** Rows of one file of an export: of a table, or of a partition, which then names its root. */
export interface TenantRows {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly string[];
  /** Gives CSV with a header, in pieces that are copied before the promise resolves. */
  feed(take: (piece: Uint8Array) => Promise<void>): Promise<void>;
}

export interface Staged {
  readonly scope: TenantScope;
  /** For people. */
  readonly shown: string;
  /** Quoted. */
  readonly live: string;
  readonly stage: string;
  readonly columns: readonly string[];
  /** Columns that tell one row; null for a table without a key. */
  readonly key: readonly string[] | null;
  /** Every set of columns that the table holds unique. */
  readonly uniques: readonly (readonly string[])[];
}

const UNIQUES = `select i.indisprimary as primary, not exists (select from pg_catalog.pg_attribute a
      where a.attrelid = i.indrelid and a.attnum = any (i.indkey::int2[]) and not a.attnotnull) as whole,
    (select json_agg(a.attname order by u.i) from unnest(i.indkey::int2[]) with ordinality u(n, i)
      join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = u.n where u.i <= i.indnkeyatts) as columns
  from pg_catalog.pg_index i where i.indrelid = $1::regclass and i.indisunique and i.indpred is null and i.indexprs is null
  order by not i.indisprimary, i.indexrelid`;

/**
 * Makes the temporary tables and loads them. Throws `restore_mismatch` for tables and columns that the target lacks, or that it
 * sees otherwise than the backup does.
 */
export async function stageRows(
  client: Client,
  scopes: readonly TenantScope[],
  files: readonly TenantRows[],
  signal?: AbortSignal,
): Promise<Staged[]> {
  const staged: Staged[] = [];
  for (const file of files) {
    const scope = scopes.find(({ table }) => table.schema === file.schema && table.name === file.name);
    const shown = shownTable(file);
    if (!scope) throw new HoldfastError('restore_mismatch', `the target has no table ${shown}`);
    if (scope.kind !== 'tenant') continue;
    const lacking = file.columns.filter((column) => !scope.table.columns.includes(column));
    if (lacking.length > 0) {
      throw new HoldfastError(
        'restore_mismatch',
        `${shown} has no column ${lacking.join(', ')} in the target`,
      );
    }
    let one = staged.find((other) => other.scope === scope);
    if (!one) {
      one = await stageTable(client, scope, file.columns, staged.length);
      staged.push(one);
    }
    const list = file.columns.map(quoteName).join(', ');
    await copyIn(
      client,
      `copy ${one.stage} (${list}) from stdin (format csv, header true)`,
      (sink) =>
        file.feed(async (piece) => {
          sink.append(piece);
          await sink.room();
        }),
      signal,
    );
  }
  for (const { stage } of staged) await client.query(`analyze ${stage}`);
  return staged;
}

async function stageTable(
  client: Client,
  scope: TenantScope,
  columns: readonly string[],
  number: number,
): Promise<Staged> {
  const live = quoteQualified(scope.table.schema, scope.table.name);
  const stage = `pg_temp.${quoteName(`holdfast_stage_${number}`)}`;
  const list = columns.map(quoteName).join(', ');
  await client.query(`create temporary table ${stage.replace('pg_temp.', '')} on commit drop as
    select ${list} from ${live} with no data`);
  const { rows } = await client.query(UNIQUES, [live]);
  const known = rows.filter((row) => row.columns.every((column: string) => columns.includes(column)));
  const key = known.find((row) => row.whole)?.columns ?? null;
  const uniques = known.map((row) => row.columns);
  return { scope, shown: shownTable(scope.table), live, stage, columns, key, uniques };
}

/** `(a.x, a.y)::text` of the restored columns: the same for equal rows, and for those alone. */
export const rowText = (columns: readonly string[], alias: string) =>
  `row(${columns.map((column) => `${alias}.${quoteName(column)}`).join(', ')})::text`;

export const sameKey = (key: readonly string[], a: string, b: string) =>
  key.map((column) => `${a}.${quoteName(column)} = ${b}.${quoteName(column)}`).join(' and ');

/**
 * Count and a digest of 128 bits of rows, whatever their order: the sums of the halves of each row's MD5. `where` is on the alias `t`.
 */
export async function digestOf(client: Client, from: string, expression: string, where: string) {
  const half = (at: number) =>
    `coalesce(sum(('x' || substr(m, ${at}, 16))::bit(64)::bigint::numeric), 0)::text`;
  const { rows } =
    await client.query(`select count(*)::text || ' ' || ${half(1)} || ' ' || ${half(17)} as digest
    from (select pg_catalog.md5(${expression}) as m from ${from} t where ${where}) d`);
  return rows[0].digest as string;
}

/** Keys of rows as people read them, at most five. */
export async function examplesOf(client: Client, sql: string): Promise<{ count: number; shown: string }> {
  const { rows } = await client.query(
    `select count(*) over () as count, found.key from (${sql}) found(key) limit 5`,
  );
  return { count: Number(rows[0]?.count ?? 0), shown: rows.map(({ key }) => String(key)).join(', ') };
}

/** Brings sequences that fill columns of these tables to where the restored rows end; never back. Gives their names. */
export async function advanceSequences(client: Client, staged: readonly Staged[]): Promise<string[]> {
  const advanced: string[] = [];
  for (const { live, stage, columns } of staged) {
    const { rows } = await client.query(SEQUENCES, [live]);
    for (const { column, sequence, regclass } of rows.filter((row) => columns.includes(row.column))) {
      const { rows: moved } =
        await client.query(`select pg_catalog.setval(${quoteText(regclass)}::regclass, s.most)
        from (select max(${quoteName(column)})::bigint as most from ${stage}) s, ${sequence} q
        where s.most > q.last_value or (s.most = q.last_value and not q.is_called)`);
      if (moved.length > 0) advanced.push(regclass);
    }
  }
  return advanced;
}

const SEQUENCES = `select distinct a.attname as column, pg_catalog.format('%I.%I', n.nspname, s.relname) as sequence,
    pg_catalog.format('%I.%I', n.nspname, s.relname) as regclass
  from pg_catalog.pg_attribute a
  left join pg_catalog.pg_attrdef f on f.adrelid = a.attrelid and f.adnum = a.attnum
  join pg_catalog.pg_depend d on (d.classid = 'pg_catalog.pg_class'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
      and d.refobjid = a.attrelid and d.refobjsubid = a.attnum and d.deptype in ('a', 'i'))
    or (d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = f.oid and d.refclassid = 'pg_catalog.pg_class'::regclass)
  join pg_catalog.pg_class s on s.relkind = 'S' and s.oid = case when d.classid = 'pg_catalog.pg_class'::regclass then d.objid else d.refobjid end
  join pg_catalog.pg_namespace n on n.oid = s.relnamespace
  join pg_catalog.pg_sequence q on q.seqrelid = s.oid and q.seqincrement > 0
  where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped`;
