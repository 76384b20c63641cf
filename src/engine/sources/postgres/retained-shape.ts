import type { Client } from 'pg';
import { HoldfastError } from '../../base/errors.ts';
import type { RetentionRule } from '../retained-table.ts';
import { quoteName, quoteQualified } from './quote.ts';

/** All names are quoted. */
export interface PgTableShape {
  readonly table: string;
  /** As people write it. */
  readonly label: string;
  /** Columns that hold something themselves: generated ones do not. */
  readonly columns: readonly string[];
  readonly key: readonly string[];
  /** Type of the column that tells the order, as `timestamp with time zone`. */
  readonly orderType: string;
  /** Rows lie in one file, whose pages can be walked. False for partitioned tables. */
  readonly isPlain: boolean;
  /** This login may lock rows: that needs the right to UPDATE one column. */
  readonly canLock: boolean;
}

const FIND = `select c.oid::int8::text as oid, n.nspname as schema, c.relname as name, c.relkind as kind, c.relispartition as part,
    exists (select from pg_catalog.pg_inherits i where i.inhparent = c.oid) as parent,
    pg_catalog.has_any_column_privilege(c.oid, 'UPDATE') as can_lock
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and (n.nspname || '.' || c.relname = $1 or c.relname = $1) order by n.nspname || '.' || c.relname = $1 desc, n.nspname = 'public' desc`;

const COLUMNS = `select attname as name, attgenerated <> '' as generated, pg_catalog.format_type(atttypid, null) as type
  from pg_catalog.pg_attribute where attrelid = $1::int8::oid and attnum > 0 and not attisdropped order by attnum`;

/** The primary key, else the shortest unique index over columns that are never NULL. */
const KEY = `select array_agg(a.attname::text order by k.n) as columns
  from pg_catalog.pg_index i, unnest(i.indkey[0:i.indnkeyatts - 1]) with ordinality k(attnum, n), pg_catalog.pg_attribute a
  where i.indrelid = $1::int8::oid and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
  and a.attrelid = i.indrelid and a.attnum = k.attnum
  group by i.indexrelid, i.indisprimary, i.indnkeyatts having bool_and(a.attnotnull)
  order by i.indisprimary desc, i.indnkeyatts limit 1`;

const REFERENCES = `select n.nspname || '.' || c.relname as name from pg_catalog.pg_constraint f
  join pg_catalog.pg_class c on c.oid = f.conrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where f.contype = 'f' and f.confrelid = $1::int8::oid limit 1`;

/** Throws `item_unknown` for a table or column that is not there, `config_invalid` for one that cannot be thinned. */
export async function describePgTable(client: Client, rule: RetentionRule): Promise<PgTableShape> {
  const found = (await client.query(FIND, [rule.table])).rows;
  const [one, other] = found;
  if (!one) throw new HoldfastError('item_unknown', `the database has no table ${rule.table}`);
  const label = `${one.schema}.${one.name}`;
  if (other && !rule.table.includes('.') && one.schema !== 'public') {
    throw new HoldfastError('config_invalid', `several schemas have a table ${rule.table}`, {
      next: `write it with its schema, such as ${label}`,
    });
  }
  if (!['r', 'p'].includes(one.kind)) throw unfit(`${label} is no table with rows of its own`);
  if (one.kind === 'r' && one.parent) throw unfit(`other tables inherit from ${label}`);
  const columns = (await client.query(COLUMNS, [one.oid])).rows;
  const order = columns.find(({ name }) => name === rule.column);
  if (!order) throw new HoldfastError('item_unknown', `the table ${label} has no column ${rule.column}`);
  const [reference] = (await client.query(REFERENCES, [one.oid])).rows;
  if (reference) throw unfit(`foreign keys of ${reference.name} refer to ${label}: its rows cannot go alone`);
  const [key] = (await client.query(KEY, [one.oid])).rows;
  if (!key) throw unfit(`${label} has no primary key, and no unique index over columns that are NOT NULL`);
  return {
    table: quoteQualified(one.schema, one.name),
    label,
    columns: columns.filter(({ generated }) => !generated).map(({ name }) => quoteName(name)),
    key: key.columns.map(quoteName),
    orderType: order.type,
    isPlain: one.kind === 'r',
    canLock: one.can_lock,
  };
}

const unfit = (message: string) =>
  new HoldfastError('config_invalid', message, { next: 'see docs/table-retention.md, limits' });
