import type { Client } from 'pg';
import { z } from 'zod';

const tenantRule = z.union([
  z.enum(['skip', 'all']),
  z.object({ via: z.string() }),
  z.object({ where: z.string() }),
]);

/**
 * The schema facts beside a CSV export: enough to load it into an existing schema, and to make a simple one anew.
 * Left out: policies, grants, comments, rules, materialised views, inheritance. pg_dump knows those.
 */
export const copySchema = z.object({
  format: z.literal('pg-csv-schema'),
  version: z.literal(1),
  serverVersion: z.string(),
  database: z.string(),
  encoding: z.string(),
  extensions: z.array(z.object({ name: z.string(), schema: z.string() })),
  schemas: z.array(z.string()),
  types: z.array(
    z.object({
      schema: z.string(),
      name: z.string(),
      /** Of an enum. */
      labels: z.array(z.string()).nullable(),
      /** Of a domain: its base type, and what follows it. */
      baseType: z.string().nullable(),
      constraints: z.string().nullable(),
    }),
  ),
  sequences: z.array(
    z.object({
      schema: z.string(),
      name: z.string(),
      options: z.string(),
      ownedBy: z.object({ schema: z.string(), table: z.string(), column: z.string() }).nullable(),
      identity: z.boolean(),
      lastValue: z.string().nullable(),
    }),
  ),
  tables: z.array(
    z.object({
      schema: z.string(),
      name: z.string(),
      partitionKey: z.string().nullable(),
      partitionOf: z.object({ schema: z.string(), name: z.string(), bound: z.string() }).nullable(),
      columns: z.array(
        z.object({
          name: z.string(),
          type: z.string(),
          notNull: z.boolean(),
          default: z.string().nullable(),
          identity: z.enum(['', 'a', 'd']),
          generated: z.boolean(),
        }),
      ),
      constraints: z.array(z.object({ name: z.string(), kind: z.string(), definition: z.string() })),
      references: z.array(z.object({ schema: z.string(), name: z.string() })),
      /** Name of the artifact with its rows; null for a partitioned table, which has none itself. */
      artifact: z.string().nullable(),
    }),
  ),
  functions: z.array(z.string()),
  indexes: z.array(z.string()),
  views: z.array(z.object({ schema: z.string(), name: z.string(), definition: z.string() })),
  triggers: z.array(z.string()),
  /** Of an export of one tenant: whose rows there are, and how they were told. */
  tenant: z
    .object({
      id: z.string(),
      column: z.string(),
      rules: z.record(z.string(), tenantRule),
      tables: z.array(
        z.object({
          schema: z.string(),
          name: z.string(),
          kind: z.enum(['tenant', 'all', 'skip']),
          reason: z.string(),
        }),
      ),
    })
    .optional(),
});

export type CopySchema = z.infer<typeof copySchema>;
export type CopyTable = CopySchema['tables'][number];

const OWN = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;
const member = (catalog: string) =>
  `exists (select from pg_depend d where d.classid = '${catalog}'::regclass and d.objid = o.oid and d.deptype = 'e')`;

const EXTENSIONS = `select e.extname as name, n.nspname as schema from pg_extension e
  join pg_namespace n on n.oid = e.extnamespace where e.extname <> 'plpgsql' order by e.oid`;

const SCHEMAS = `select n.nspname as name from pg_namespace n, lateral (select n.oid) o
  where ${OWN} and not ${member('pg_namespace')} order by 1`;

const TYPES = `select n.nspname as schema, o.typname as name,
    (select array_agg(enumlabel::text order by enumsortorder) from pg_enum where enumtypid = o.oid) as labels,
    case when o.typtype = 'd' then format_type(o.typbasetype, o.typtypmod) end as "baseType",
    case when o.typtype = 'd' then concat_ws(' ', 'default ' || o.typdefault, case when o.typnotnull then 'not null' end,
      (select string_agg(format('constraint %I %s', conname, pg_get_constraintdef(oid)), ' ' order by conname)
       from pg_constraint where contypid = o.oid and contype = 'c')) end as constraints
  from pg_type o join pg_namespace n on n.oid = o.typnamespace
  where o.typtype in ('e', 'd') and ${OWN} and not ${member('pg_type')} order by o.oid`;

const SEQUENCES = `select n.nspname as schema, o.relname as name, s.last_value::text as "lastValue",
    format('as %s increment %s minvalue %s maxvalue %s start %s cache %s %s', s.data_type, s.increment_by, s.min_value,
      s.max_value, s.start_value, s.cache_size, case when s.cycle then 'cycle' else 'no cycle' end) as options,
    coalesce(d.deptype = 'i', false) as identity,
    case when d.refobjid is not null then json_build_object('schema', tn.nspname, 'table', t.relname,
      'column', a.attname) end as "ownedBy"
  from pg_class o join pg_namespace n on n.oid = o.relnamespace
  join pg_sequences s on s.schemaname = n.nspname and s.sequencename = o.relname
  left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = o.oid and d.deptype in ('a', 'i')
    and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0
  left join pg_class t on t.oid = d.refobjid left join pg_namespace tn on tn.oid = t.relnamespace
  left join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
  where o.relkind = 'S' and ${OWN} and not ${member('pg_class')} order by o.oid`;

const TABLES = `select n.nspname as schema, o.relname as name, o.relkind as kind,
    case when o.relkind = 'p' then pg_get_partkeydef(o.oid) end as "partitionKey",
    (select json_build_object('schema', pn.nspname, 'name', p.relname, 'bound', pg_get_expr(o.relpartbound, o.oid))
     from pg_inherits i join pg_class p on p.oid = i.inhparent join pg_namespace pn on pn.oid = p.relnamespace
     where i.inhrelid = o.oid and o.relispartition) as "partitionOf",
    coalesce((select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
       'notNull', a.attnotnull, 'default', pg_get_expr(ad.adbin, ad.adrelid), 'identity', a.attidentity,
       'generated', a.attgenerated <> '') order by a.attnum)
     from pg_attribute a left join pg_attrdef ad on ad.adrelid = a.attrelid and ad.adnum = a.attnum
     where a.attrelid = o.oid and a.attnum > 0 and not a.attisdropped), '[]') as columns,
    coalesce((select json_agg(json_build_object('name', c.conname, 'kind', c.contype,
       'definition', pg_get_constraintdef(c.oid)) order by c.contype = 'f', c.oid)
     from pg_constraint c where c.conrelid = o.oid and c.contype in ('c', 'p', 'u', 'x', 'f')
     and c.conparentid = 0 and c.coninhcount = 0), '[]') as constraints,
    coalesce((select json_agg(json_build_object('schema', rn.nspname, 'name', r.relname))
     from pg_constraint c join pg_class r on r.oid = c.confrelid join pg_namespace rn on rn.oid = r.relnamespace
     where c.conrelid = o.oid and c.contype = 'f' and c.confrelid <> o.oid), '[]') as "references"
  from pg_class o join pg_namespace n on n.oid = o.relnamespace
  where o.relkind in ('r', 'p') and ${OWN} and not ${member('pg_class')}
  order by o.relispartition, o.oid`;

const FUNCTIONS = `select pg_get_functiondef(o.oid) as definition from pg_proc o
  join pg_namespace n on n.oid = o.pronamespace
  where o.prokind in ('f', 'p') and ${OWN} and not ${member('pg_proc')} order by o.oid`;

const INDEXES = `select regexp_replace(pg_get_indexdef(o.oid), ' ON ONLY ', ' ON ') as definition from pg_class o
  join pg_namespace n on n.oid = o.relnamespace join pg_index i on i.indexrelid = o.oid
  join pg_class t on t.oid = i.indrelid and t.relkind in ('r', 'p')
  where o.relkind in ('i', 'I') and not o.relispartition and ${OWN} and not ${member('pg_class')}
  and not exists (select from pg_constraint where conindid = o.oid and contype in ('p', 'u', 'x')) order by o.oid`;

const VIEWS = `select n.nspname as schema, o.relname as name, pg_get_viewdef(o.oid) as definition from pg_class o
  join pg_namespace n on n.oid = o.relnamespace
  where o.relkind = 'v' and ${OWN} and not ${member('pg_class')} order by o.oid`;

const TRIGGERS = `select pg_get_triggerdef(t.oid) as definition from pg_trigger t
  join pg_class o on o.oid = t.tgrelid join pg_namespace n on n.oid = o.relnamespace
  where not t.tgisinternal and coalesce((to_jsonb(t) ->> 'tgparentid')::bigint, 0) = 0
  and ${OWN} and not ${member('pg_class')} order by t.oid`;

/** Reads the schema facts in the session's transaction. `artifactOf` names the file of a table that has rows itself. */
export async function readCopySchema(
  client: Client,
  artifactOf: (schema: string, name: string) => string,
): Promise<CopySchema> {
  const rowsOf = async (sql: string) => (await client.query(sql)).rows;
  const definitionsOf = async (sql: string) => (await rowsOf(sql)).map((row) => row.definition);
  const [server] =
    await rowsOf(`select current_setting('server_version') as version, current_database() as database,
    pg_encoding_to_char(encoding) as encoding from pg_database where datname = current_database()`);
  const tables = (await rowsOf(TABLES)).map(({ kind, ...table }) => ({
    ...table,
    artifact: kind === 'r' ? artifactOf(table.schema, table.name) : null,
  }));
  return copySchema.parse({
    format: 'pg-csv-schema',
    version: 1,
    serverVersion: server.version,
    database: server.database,
    encoding: server.encoding,
    extensions: await rowsOf(EXTENSIONS),
    schemas: (await rowsOf(SCHEMAS)).map((row) => row.name),
    types: await rowsOf(TYPES),
    sequences: await rowsOf(SEQUENCES),
    tables,
    functions: await definitionsOf(FUNCTIONS),
    indexes: await definitionsOf(INDEXES),
    views: await rowsOf(VIEWS),
    triggers: await definitionsOf(TRIGGERS),
  });
}
