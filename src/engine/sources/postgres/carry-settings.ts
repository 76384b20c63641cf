import type { Client } from 'pg';
import { quoteName, quoteText } from './quote.ts';

/** Settings that are lists of names: kept as text that only the server itself reads back rightly. */
const LISTS: ReadonlySet<string> = new Set([
  ...['search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries'],
]);

/**
 * Gives one database what another has beside its content: grants, connection limit, whether it may be connected to, settings
 * (of the database and of roles in it), comment. Both are of one owner. Inside the caller's transaction; the names are those at that moment.
 */
export async function carrySettings(client: Client, fromOid: string, to: string): Promise<void> {
  const target = quoteName(to);
  const { rows } = await client.query(
    `select datconnlimit as limit, datallowconn as allowed, datacl is not null as granted, pg_catalog.pg_get_userbyid(datdba)::text as owner,
       pg_catalog.shobj_description(oid, 'pg_database') as comment from pg_catalog.pg_database where oid = $1::oid`,
    [fromOid],
  );
  const { limit, allowed, granted, owner, comment } = rows[0];
  await client.query(
    `alter database ${target} with connection limit ${Number(limit)} allow_connections ${allowed === true}`,
  );
  if (comment !== null) await client.query(`comment on database ${target} is ${quoteText(comment)}`);
  if (granted) await carryGrants(client, fromOid, target, owner);
  await carryConfiguration(client, fromOid, target);
}

const RIGHTS: ReadonlySet<string> = new Set(['CREATE', 'CONNECT', 'TEMPORARY']);

async function carryGrants(client: Client, fromOid: string, target: string, owner: string): Promise<void> {
  await client.query(`revoke all on database ${target} from public, ${quoteName(owner)}`);
  const { rows } = await client.query(
    `select case when a.grantee = 0 then null else pg_catalog.pg_get_userbyid(a.grantee)::text end as grantee,
       a.privilege_type::text as right, a.is_grantable as grantable
     from pg_catalog.pg_database d, pg_catalog.aclexplode(d.datacl) a where d.oid = $1::oid`,
    [fromOid],
  );
  for (const { grantee, right, grantable } of rows) {
    if (!RIGHTS.has(right)) continue;
    const who = grantee === null ? 'public' : quoteName(grantee);
    const option = grantable && grantee !== owner ? ' with grant option' : '';
    await client.query(`grant ${right} on database ${target} to ${who}${option}`);
  }
}

async function carryConfiguration(client: Client, fromOid: string, target: string): Promise<void> {
  const { rows } = await client.query(
    `select case when s.setrole = 0 then null else pg_catalog.pg_get_userbyid(s.setrole)::text end as role, c.setting
     from pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c(setting) where s.setdatabase = $1::oid`,
    [fromOid],
  );
  for (const { role, setting } of rows) {
    const at = setting.indexOf('=');
    const [name, value] = [setting.slice(0, at), setting.slice(at + 1)];
    const whose =
      role === null ? `alter database ${target}` : `alter role ${quoteName(role)} in database ${target}`;
    const parameter = name.split('.').map(quoteName).join('.');
    if (LISTS.has(name)) {
      await client.query('select pg_catalog.set_config($1, $2, true)', [name, value]);
      await client.query(`${whose} set ${parameter} from current`);
    } else await client.query(`${whose} set ${parameter} to ${quoteText(value)}`);
  }
}
