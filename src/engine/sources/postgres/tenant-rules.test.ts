import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TenantRule, type TenantTable, tenantScopes } from './tenant-rules.ts';

const table = (name: string, columns: string[], keys: Record<string, string> = {}): TenantTable => ({
  ...{ schema: 'public', name, columns },
  keys: Object.entries(keys).map(([column, to]) => ({
    ...{ name: `${name}_${column}`, columns: column.split('+'), toSchema: 'public', toName: to },
    toColumns: column.split('+').map(() => 'id'),
  })),
});

const scopes = (tables: TenantTable[], rules: Record<string, TenantRule> = {}) =>
  tenantScopes(tables, { id: `o'x`, column: 'tenant_id', rules });
const reasons = (tables: TenantTable[], rules: Record<string, TenantRule> = {}) =>
  Object.fromEntries(scopes(tables, rules).map(({ table: { name }, reason }) => [name, reason]));

const NOTES = table('notes', ['id', 'tenant_id'], { tenant_id: 'tenants' });
const TENANTS = table('tenants', ['id']);

test('the column, the table it refers to, and what leads there over any steps, circles included', () => {
  const tables = [
    TENANTS,
    NOTES,
    table('first', ['id', 'second', 'note', 'parent'], { second: 'second', note: 'notes', parent: 'first' }),
    table('second', ['id', 'first'], { first: 'first' }),
    table('third', ['id', 'second'], { second: 'second' }),
  ];
  assert.deepEqual(reasons(tables), {
    ...{ tenants: 'id', notes: 'tenant_id', first: 'notes by note' },
    ...{ second: 'first by first', third: 'second by second' },
  });
  const [root, own, first] = scopes(tables);
  assert.equal(root!.condition, `t."id" = E'o''x'`);
  assert.equal(own!.condition, `t."tenant_id" = E'o''x'`);
  assert.equal(
    first!.condition,
    `exists (select from "public"."notes" t1 where t1."id" = t."note" and t1."tenant_id" = E'o''x')`,
  );
});

test('several ways and none are refused, each table by name; rules settle them', () => {
  const tables = [
    TENANTS,
    NOTES,
    table('both', ['a', 'b'], { a: 'notes', b: 'tenants' }),
    table('alone', ['x']),
  ];
  assert.throws(() => scopes(tables), {
    code: 'config_invalid',
    message: /both reaches the tenant by a \(notes\) and b \(tenants\).*; alone has no relation/,
  });
  const rules = { both: { via: 'b' }, alone: { where: 'x = $tenant' } } as const;
  const [, , both, alone] = scopes(tables, rules);
  assert.match(both!.condition, /^exists \(select from "public"\."tenants" t1 where t1\."id" = t\."b"/);
  assert.equal(alone!.condition, `(x = pg_catalog.current_setting('holdfast.tenant')\n)`);
  assert.throws(() => scopes(tables, { ...rules, both: { via: 'c' } }), /both has 0 foreign keys c/);
});

test('a way through a shared or skipped table, or back to itself, is refused', () => {
  const tables = [
    TENANTS,
    table('a', ['b'], { b: 'b' }),
    table('b', ['a', 'shared'], { a: 'a', shared: 'shared' }),
    table('shared', ['id']),
    NOTES,
  ];
  const rules = { shared: 'all', a: { via: 'b' }, b: { via: 'a' } } as const;
  assert.throws(() => scopes(tables, rules), /the rules lead from a back to itself/);
  assert.throws(
    () => scopes(tables, { ...rules, b: { via: 'shared' } }),
    /a rule leads to shared, which has no tenant/,
  );
});
