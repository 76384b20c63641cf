import type { Client } from 'pg';
import { HoldfastError, systemCode } from '../../base/errors.ts';
import { parsePostgresAddress } from './address.ts';
import { connect, endQuietly } from './connect.ts';
import { targetFailure } from './failures.ts';
import { quoteName, quoteQualified } from './quote.ts';
import {
  readTenantTables,
  setTenant,
  shownTable,
  type TenantOptions,
  type TenantScope,
  tenantScopes,
} from './tenant-rules.ts';
import {
  advanceSequences,
  digestOf,
  examplesOf,
  rowText,
  type Staged,
  sameKey,
  stageRows,
  type TenantRows,
} from './tenant-stage.ts';

export interface TenantPlan {
  readonly tenant: string;
  readonly tables: readonly {
    readonly table: string;
    readonly deletes: number;
    readonly inserts: number;
    readonly updates: number;
    readonly unchanged: number;
  }[];
  /** Why it cannot be done: rows that belong to others, rows referred to that are not there. Empty when it can. */
  readonly conflicts: readonly string[];
  /** Tables that stay as they are, though they may hold rows of the tenant. */
  readonly notes: readonly string[];
}

export interface TenantRestoreOptions {
  readonly targetUrl: string;
  readonly tenant: TenantOptions;
  readonly files: readonly TenantRows[];
  /** Sees the plan before anything is changed. False ends it there; what it throws is passed on. */
  readonly decide: (plan: TenantPlan) => boolean;
  /** Hears before the named step begins; a test takes it apart there. */
  readonly onStep?: (step: TenantStep) => void;
  readonly signal?: AbortSignal;
}

/** In this order. Until the last is done, nothing has changed. */
export const TENANT_STEPS = ['stage', 'plan', 'digest', 'change', 'check', 'commit', 'committed'] as const;
export type TenantStep = (typeof TENANT_STEPS)[number];

export interface TenantRestoreReport {
  readonly plan: TenantPlan;
  readonly applied: boolean;
  readonly sequences: readonly string[];
}

/**
 * Makes the rows of one tenant in a live database those of the backup, in one transaction: all of it, or nothing. Every other
 * row of every table is digested before and after; any difference rolls back. Others may write meanwhile: what they commit is neither
 * seen nor touched. Throws `restore_mismatch` for conflicts and differences, `target_busy` when somebody changes the same rows,
 * `config_invalid` for rows that cannot be told, `database_failed` and what connecting throws.
 */
export async function restoreTenant(options: TenantRestoreOptions): Promise<TenantRestoreReport> {
  const { tenant, signal, onStep = () => {} } = options;
  const address = parsePostgresAddress(options.targetUrl);
  const client = await connect(address, signal).catch((error: unknown) => {
    throw targetFailure(error, address);
  });
  try {
    // The search path stays the application's own: its triggers fire and name its tables.
    await client.query(`set client_encoding = 'UTF8'; set extra_float_digits = 3; set row_security = off;
      set intervalstyle = 'postgres'; set bytea_output = 'hex'`);
    await setTenant(client, tenant.id);
    await client.query('begin isolation level repeatable read');
    const scopes = tenantScopes(await readTenantTables(client), tenant);
    onStep('stage');
    const staged = await stageRows(client, scopes, options.files, signal);
    if (staged.length === 0) throw new HoldfastError('item_unknown', 'the backup holds no table of tenants');
    onStep('plan');
    const plan = await planOf(client, scopes, staged, tenant);
    if (!options.decide(plan)) return { plan, applied: false, sequences: [] };
    if (plan.conflicts.length > 0) throw mismatch(plan.conflicts.join('; '));
    onStep('digest');
    const before = await othersOf(client, scopes, staged);
    if (signal?.aborted) throw new HoldfastError('interrupted');
    await client.query('set constraints all deferred');
    onStep('change');
    await client.query(changes(staged));
    await client.query('set constraints all immediate');
    onStep('check');
    await requireRestored(client, staged);
    const after = await othersOf(client, scopes, staged);
    const touched = [...before].filter(([name, digest]) => after.get(name) !== digest).map(([name]) => name);
    if (touched.length > 0) throw mismatch(`rows of others would have changed in ${touched.join(', ')}`);
    const sequences = await advanceSequences(client, staged);
    if (signal?.aborted) throw new HoldfastError('interrupted');
    onStep('commit');
    await client.query('commit');
    onStep('committed');
    return { plan, applied: true, sequences };
  } catch (error) {
    if (signal?.aborted) throw new HoldfastError('interrupted');
    const state = systemCode(error);
    if (state === '40001' || state === '40P01') {
      throw new HoldfastError('target_busy', 'somebody changed rows of this tenant meanwhile', {
        cause: error,
      });
    }
    throw targetFailure(error, address);
  } finally {
    await client.query('rollback').catch(() => {});
    await endQuietly(client);
  }
}

function mismatch(message: string): HoldfastError {
  return new HoldfastError('restore_mismatch', message, { next: 'nothing was changed' });
}

const mine = ({ scope }: Staged) => `coalesce((${scope.condition}), false)`;

async function planOf(
  client: Client,
  scopes: readonly TenantScope[],
  staged: readonly Staged[],
  tenant: TenantOptions,
): Promise<TenantPlan> {
  const tables: TenantPlan['tables'][number][] = [];
  const conflicts: string[] = [];
  for (const one of staged) {
    tables.push(await countsOf(client, one));
    conflicts.push(...(await ownershipConflicts(client, one, tenant)));
    conflicts.push(...(await missingParents(client, one, staged)));
  }
  const untouched = scopes.filter(
    ({ kind, table }) => kind === 'tenant' && !staged.some(({ scope }) => scope.table === table),
  );
  const notes = untouched.map(({ table }) => `${shownTable(table)} is not in the backup and stays as it is`);
  return { tenant: tenant.id, tables, conflicts, notes };
}

async function countsOf(client: Client, one: Staged): Promise<TenantPlan['tables'][number]> {
  const { live, stage, columns, key, shown } = one;
  const own = `(select * from ${live} t where ${mine(one)})`;
  const [a, b] = [rowText(columns, 's'), rowText(columns, 'o')];
  const sql = key
    ? `select count(*) filter (where s_ and o_ and same) as unchanged, count(*) filter (where s_ and o_ and not same) as updates,
        count(*) filter (where not o_) as inserts, count(*) filter (where not s_) as deletes
       from (select s.${quoteName(key[0]!)} is not null as s_, o.${quoteName(key[0]!)} is not null as o_, ${a} = ${b} as same
         from ${stage} s full join ${own} o on ${sameKey(key, 's', 'o')}) d`
    : `with s as (select ${a} as r, count(*) as n from ${stage} s group by 1),
        o as (select ${b} as r, count(*) as n from ${own} o group by 1)
       select coalesce(sum(least(s.n, o.n)), 0) as unchanged, 0 as updates,
        coalesce(sum(greatest(coalesce(s.n, 0) - coalesce(o.n, 0), 0)), 0) as inserts,
        coalesce(sum(greatest(coalesce(o.n, 0) - coalesce(s.n, 0), 0)), 0) as deletes
       from s full join o using (r)`;
  const { rows } = await client.query(sql);
  const { deletes, inserts, updates, unchanged } = rows[0];
  return {
    table: shown,
    deletes: Number(deletes),
    inserts: Number(inserts),
    updates: Number(updates),
    unchanged: Number(unchanged),
  };
}

/** Rows of the backup that say another tenant, and keys that another's live row has. */
async function ownershipConflicts(client: Client, one: Staged, tenant: TenantOptions): Promise<string[]> {
  const { stage, live, uniques, columns, shown } = one;
  const found: string[] = [];
  if (columns.includes(tenant.column) && one.scope.reason === tenant.column) {
    const sql = `select ${rowText(one.key ?? columns, 't')} from ${stage} t where not ${mine(one)}`;
    const { count, shown: keys } = await examplesOf(client, sql);
    if (count > 0) found.push(`${shown}: ${count} rows of the backup are of another tenant: ${keys}`);
  }
  for (const unique of uniques) {
    const sql = `select ${rowText(unique, 's')} from ${stage} s join ${live} t on ${sameKey(unique, 's', 't')} where not ${mine(one)}`;
    const { count, shown: keys } = await examplesOf(client, sql);
    if (count > 0)
      found.push(`${shown}: ${count} rows of others have the same ${unique.join(', ')}: ${keys}`);
  }
  return found;
}

/** Foreign keys of the backup's rows to rows that would not be there. */
async function missingParents(client: Client, one: Staged, staged: readonly Staged[]): Promise<string[]> {
  const found: string[] = [];
  for (const key of one.scope.table.keys) {
    if (!key.columns.every((column) => one.columns.includes(column))) continue;
    const parent = staged.find(
      ({ scope }) => scope.table.schema === key.toSchema && scope.table.name === key.toName,
    );
    const match = (alias: string) =>
      key.columns
        .map((column, i) => `${alias}.${quoteName(key.toColumns[i]!)} = s.${quoteName(column)}`)
        .join(' and ');
    const live = quoteQualified(key.toSchema, key.toName);
    const stays = parent ? ` and not ${mine(parent)}` : '';
    const present = [
      `exists (select from ${live} t where ${match('t')}${stays})`,
      ...(parent ? [`exists (select from ${parent.stage} p where ${match('p')})`] : []),
    ].join(' or ');
    const filled = key.columns.map((column) => `s.${quoteName(column)} is not null`).join(' and ');
    const sql = `select ${rowText(key.columns, 's')} from ${one.stage} s where ${filled} and not (${present})`;
    const { count, shown } = await examplesOf(client, sql);
    if (count === 0) continue;
    const columns = key.columns.join(', ');
    found.push(
      `${one.shown}: ${count} rows refer by ${columns} to rows of ${key.toName} that do not exist: ${shown}`,
    );
  }
  return found;
}

/**
 * Every change in one statement, so that foreign keys are checked when all of them are made, whatever order or circle they
 * are in. Each part counts what goes before it, which makes deletes, then updates, then inserts of it.
 */
function changes(staged: readonly Staged[]): string {
  const deletes = staged.map((one, i) => {
    const { live, stage, key } = one;
    const gone = key
      ? `not exists (select from ${stage} s where ${sameKey(key, 's', 't')})`
      : changedAsWhole(one);
    return `d${i} as (delete from ${live} t where ${mine(one)} and ${gone} returning 1 as x)`;
  });
  // Counted once for all: every part counting every other by itself takes minutes of planning with 40 tables.
  const barrier = (letter: string, before: string) => {
    const counts = staged.map((_, i) => `(select count(*) from ${letter}${i})`);
    return `all_${letter} as materialized (select ${[before, ...counts].join(' + ')} as n)`;
  };
  const deleted = '(select n from all_d) >= 0';
  const updates = staged.map((one, i) => {
    const { live, stage, key, columns } = one;
    const rest = columns.filter((column) => !key?.includes(column));
    if (!key || rest.length === 0) return `u${i} as (select 1 as x where false and ${deleted})`;
    const set = rest.map((column) => `${quoteName(column)} = s.${quoteName(column)}`).join(', ');
    return `u${i} as (update ${live} t set ${set} from ${stage} s where ${sameKey(key, 's', 't')} and ${mine(one)}
      and ${rowText(columns, 't')} <> ${rowText(columns, 's')} and ${deleted} returning 1 as x)`;
  });
  const updated = '(select n from all_u) >= 0';
  const inserts = staged.map((one, i) => {
    const { live, stage, key, columns } = one;
    const list = columns.map(quoteName).join(', ');
    const isNew = key
      ? `not exists (select from ${live} t where ${sameKey(key, 's', 't')})`
      : changedAsWhole(one);
    return `i${i} as (insert into ${live} (${list}) overriding system value
      select ${list} from ${stage} s where ${isNew} and ${updated} returning 1 as x)`;
  });
  const parts = [
    ...[...deletes, barrier('d', '0')],
    ...[...updates, barrier('u', '(select n from all_d)')],
    ...inserts,
  ];
  return `with ${parts.join(',\n')} select 1`;
}

/** A table without a key is taken as a whole: when its rows differ at all, they are all deleted and inserted. */
function changedAsWhole(one: Staged): string {
  const { live, stage, columns } = one;
  const own = `select ${rowText(columns, 't')} from ${live} t where ${mine(one)}`;
  const wanted = `select ${rowText(columns, 's')} from ${stage} s`;
  return `exists ((${own} except all ${wanted}) union all (${wanted} except all ${own}))`;
}

/** The tenant's rows are those of the backup: a trigger or a rule may have had its own mind. */
async function requireRestored(client: Client, staged: readonly Staged[]): Promise<void> {
  for (const one of staged) {
    const { live, stage, columns, shown } = one;
    const is = await digestOf(client, live, rowText(columns, 't'), mine(one));
    const wanted = await digestOf(client, stage, rowText(columns, 't'), 'true');
    if (is !== wanted)
      throw mismatch(`${shown} would not be as in the backup; a trigger may change its rows`);
  }
}

/** Digests of every row that is not the tenant's, in every table. */
async function othersOf(
  client: Client,
  scopes: readonly TenantScope[],
  staged: readonly Staged[],
): Promise<Map<string, string>> {
  const digests = new Map<string, string>();
  for (const scope of scopes) {
    const one = staged.find((other) => other.scope === scope);
    const { schema, name } = scope.table;
    const where = one ? `not ${mine(one)}` : 'true';
    digests.set(
      shownTable(scope.table),
      await digestOf(client, quoteQualified(schema, name), 't::text', where),
    );
  }
  return digests;
}
