/** Which rows of a database belong to one tenant: derived from its foreign keys, or said by rules; never guessed. */
import type { Client } from 'pg';
import { HoldfastError } from '../../base/errors.ts';
import { quoteName, quoteQualified, quoteText } from './quote.ts';

export type TenantRule = 'skip' | 'all' | { readonly via: string } | { readonly where: string };

export interface TenantOptions {
  readonly id: string;
  /** Such as `tenant_id`. */
  readonly column: string;
  /** By `table` or `schema.table`; they override what is derived. */
  readonly rules: Readonly<Record<string, TenantRule>>;
}

/** A null id means every tenant. */
export type TenantChoice = Omit<TenantOptions, 'id'> & { readonly id: string | null };

export interface ForeignKey {
  readonly name: string;
  readonly columns: readonly string[];
  readonly toSchema: string;
  readonly toName: string;
  readonly toColumns: readonly string[];
}

export interface TenantTable {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly string[];
  readonly keys: readonly ForeignKey[];
}

export interface TenantScope {
  readonly table: TenantTable;
  /** `tenant`: its rows that fulfil `condition`; `all`: whole, since it is shared; `skip`: none. */
  readonly kind: 'tenant' | 'all' | 'skip';
  /** On an alias `t`; `true` for `all`, `false` for `skip`. */
  readonly condition: string;
  /** For people: `tenant_id`, `orders by order_id`, `rule`. */
  readonly reason: string;
}

/** What rules with `where` call `$tenant`. Set it in the session before a condition is used: see `setTenant`. */
const SETTING = `pg_catalog.current_setting('holdfast.tenant')`;

export async function setTenant(client: Client, id: string): Promise<void> {
  await client.query(`select pg_catalog.set_config('holdfast.tenant', $1, false)`, [id]);
}

/** Ordinary and partitioned tables, partitions left out: their rows are those of their root. */
const TABLES = `select n.nspname as schema, c.relname as name,
    array(select a.attname::text from pg_catalog.pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum) as columns,
    coalesce((select json_agg(json_build_object('name', k.conname, 'toSchema', rn.nspname, 'toName', r.relname,
        'columns', (select json_agg(a.attname order by u.i) from unnest(k.conkey) with ordinality u(n, i)
          join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.n),
        'toColumns', (select json_agg(a.attname order by u.i) from unnest(k.confkey) with ordinality u(n, i)
          join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.n)) order by k.conname)
      from pg_catalog.pg_constraint k join pg_catalog.pg_class r on r.oid = k.confrelid
      join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace
      where k.conrelid = c.oid and k.contype = 'f' and k.conparentid = 0), '[]') as keys
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::regclass
      and d.objid = c.oid and d.deptype = 'e')
  order by n.nspname, c.relname`;

export async function readTenantTables(client: Client): Promise<TenantTable[]> {
  return (await client.query(TABLES)).rows as TenantTable[];
}

type Way = ForeignKey | 'column' | 'root';
const idOf = ({ schema, name }: { schema: string; name: string }) => JSON.stringify([schema, name]);
const toOf = (key: ForeignKey) => JSON.stringify([key.toSchema, key.toName]);
export const shownTable = ({ schema, name }: { schema: string; name: string }) =>
  schema === 'public' ? name : `${schema}.${name}`;

/**
 * Says for every table which rows are the tenant's. Throws `config_invalid` naming each table that no foreign key leads from
 * to the tenant, or several do, and rules that fit nothing: nothing is left out or taken along in silence.
 */
export function tenantScopes(tables: readonly TenantTable[], options: TenantOptions): TenantScope[] {
  const byId = new Map(tables.map((table) => [idOf(table), table]));
  const rules = rulesByTable(tables, options.rules);
  const literal = quoteText(options.id);
  const hasColumn = (table: TenantTable) => table.columns.includes(options.column);
  const roots = rootsOf(tables, options.column);
  const ways = new Map<string, Way>();
  for (const table of tables) {
    const id = idOf(table);
    if (rules.has(id)) continue;
    if (hasColumn(table)) ways.set(id, 'column');
    else if (roots.has(id)) ways.set(id, 'root');
  }
  const byRule = (id: string) => typeof rules.get(id) === 'object';
  const isBound = (id: string) => ways.has(id) || byRule(id);
  for (let isGrowing = true; isGrowing; ) {
    const found = tables.flatMap((table) => {
      if (isBound(idOf(table)) || rules.has(idOf(table))) return [];
      const key = table.keys.find((one) => toOf(one) !== idOf(table) && isBound(toOf(one)));
      return key ? [[idOf(table), key] as const] : [];
    });
    for (const [id, key] of found) ways.set(id, key);
    isGrowing = found.length > 0;
  }
  /** True when the rows of `from` are told by those of `table`: that way round says nothing new. */
  const leadsThrough = (from: string, table: string): boolean => {
    for (let at = from; ; ) {
      if (at === table) return true;
      const way = ways.get(at);
      if (typeof way !== 'object') return false;
      at = toOf(way);
    }
  };
  const problems: string[] = [];
  for (const table of tables) {
    const id = idOf(table);
    const way = ways.get(id);
    if (rules.has(id) || way === 'column' || way === 'root') continue;
    if (way === undefined) {
      problems.push(`${shownTable(table)} has no relation to the tenant: give it the rule skip or all`);
      continue;
    }
    const open = table.keys.filter((key) => isBound(toOf(key)) && !leadsThrough(toOf(key), id));
    if (open.length < 2) continue;
    const named = open.map((key) => `${key.columns.join(',')} (${key.toName})`).join(' and ');
    problems.push(`${shownTable(table)} reaches the tenant by ${named}: choose one with the rule via`);
  }
  if (problems.length > 0) throw invalid(problems);

  /** The condition on `alias`; `depth` keeps the aliases of one condition apart. */
  const condition = (table: TenantTable, alias: string, depth: number, seen: readonly string[]): string => {
    const id = idOf(table);
    if (seen.includes(id)) throw invalid([`the rules lead from ${shownTable(table)} back to itself`]);
    const rule = rules.get(id);
    if (rule === 'skip' || rule === 'all')
      throw invalid([`a rule leads to ${shownTable(table)}, which has no tenant`]);
    const follow = (key: ForeignKey, from: string, below: number, then: (next: TenantTable) => string) => {
      const next = byId.get(toOf(key));
      if (!next)
        throw invalid([`${shownTable(table)} refers to ${key.toName}, which is no table of its own`]);
      const other = `t${below + 1}`;
      const pairs = key.columns.map(
        (column, i) => `${other}.${quoteName(key.toColumns[i]!)} = ${from}.${quoteName(column)}`,
      );
      const place = quoteQualified(next.schema, next.name);
      return `exists (select from ${place} ${other} where ${pairs.join(' and ')} and ${then(next)})`;
    };
    const rest = (below: number) => (next: TenantTable) =>
      condition(next, `t${below + 1}`, below + 1, [...seen, id]);
    if (rule && 'where' in rule) {
      // The rule speaks of `t`, whatever the table is called here.
      const sql = rule.where.replaceAll('$tenant', () => SETTING);
      return alias === 't' ? `(${sql}\n)` : `exists (select from (select ${alias}.*) t where (${sql}\n))`;
    }
    if (rule) {
      const steps = rule.via.split('.');
      const walk = (from: TenantTable, below: number, i: number): string => {
        const at = below === depth ? alias : `t${below}`;
        const isLast = i + 1 === steps.length;
        const then = isLast ? rest(below) : (next: TenantTable) => walk(next, below + 1, i + 1);
        return follow(keyNamed(from, steps[i]!), at, below, then);
      };
      return walk(table, depth, 0);
    }
    const way = ways.get(id)!;
    if (way === 'column') return `${alias}.${quoteName(options.column)} =${literal}`;
    if (way === 'root') return `${alias}.${quoteName(roots.get(id)!)} =${literal}`;
    return follow(way, alias, depth, rest(depth));
  };
  return tables.map((table): TenantScope => {
    const rule = rules.get(idOf(table));
    if (rule === 'skip') return { table, kind: 'skip', condition: 'false', reason: 'rule' };
    if (rule === 'all') return { table, kind: 'all', condition: 'true', reason: 'rule' };
    const way = ways.get(idOf(table));
    const reason =
      typeof way === 'object'
        ? `${way.toName} by ${way.columns.join(', ')}`
        : way === 'column'
          ? options.column
          : way === 'root'
            ? roots.get(idOf(table))!
            : 'rule';
    return { table, kind: 'tenant', condition: condition(table, 't', 0, []), reason };
  });
}

/** Tables that the tenant columns of others refer to, with the column they refer to. */
function rootsOf(tables: readonly TenantTable[], column: string): Map<string, string> {
  const roots = new Map<string, string>();
  for (const key of tables.flatMap(({ keys }) => keys)) {
    if (key.columns.length === 1 && key.columns[0] === column) roots.set(toOf(key), key.toColumns[0]!);
  }
  return roots;
}

function rulesByTable(
  tables: readonly TenantTable[],
  rules: Readonly<Record<string, TenantRule>>,
): Map<string, TenantRule> {
  const found = new Map<string, TenantRule>();
  const unknown: string[] = [];
  for (const [text, rule] of Object.entries(rules)) {
    const fitting = tables.filter(({ schema, name }) => text === `${schema}.${name}` || text === name);
    if (fitting.length !== 1) unknown.push(`the rule for ${text} fits ${fitting.length} tables`);
    else found.set(idOf(fitting[0]!), rule);
  }
  if (unknown.length > 0) throw invalid(unknown);
  return found;
}

/** A foreign key by its columns, divided by commas, or by its name. */
function keyNamed(table: TenantTable, text: string): ForeignKey {
  const fitting = table.keys.filter((key) => key.columns.join(',') === text.replaceAll(' ', ''));
  const found = fitting.length > 0 ? fitting : table.keys.filter(({ name }) => name === text);
  if (found.length === 1) return found[0]!;
  throw invalid([`${shownTable(table)} has ${found.length} foreign keys ${text}, which a rule follows`]);
}

function invalid(problems: readonly string[]): HoldfastError {
  return new HoldfastError(
    'config_invalid',
    `the rows of one tenant cannot be told: ${problems.join('; ')}`,
    {
      next: 'write rules for these tables into tenant.rules of the source',
    },
  );
}
