import type { Client } from 'pg';
import { HoldfastError } from '../../base/errors.ts';
import type { ArchiveToc, TocEntry } from './archive-toc.ts';
import { quoteName } from './quote.ts';

/** Who shall own what is restored: `keep` the owners and grants of the dump, or `skip` them. */
export type OwnerChoice = 'keep' | 'skip';

const NAME = '(?:"(?:[^"]|"")+"|[^\\s;",]+)';
const GRANTEE = new RegExp(
  `^(?:GRANT|REVOKE|ALTER DEFAULT PRIVILEGES) .* (?:TO|FROM) (${NAME})(?: WITH GRANT OPTION)?;$`,
  'gm',
);
/** The clauses of CREATE POLICY in the order pg_dump writes them. */
const POLICY = new RegExp(
  `^CREATE POLICY ${NAME} ON [^;]*?(?: AS RESTRICTIVE)?(?: FOR [A-Z]+)? TO (${NAME}(?:, ${NAME})*)(?: USING| WITH CHECK|;)`,
);

/** Every role the dump names as owner, in a grant or in a row-level policy, unquoted. */
export function rolesOf(toc: ArchiveToc): Set<string> {
  const roles = new Set<string>();
  for (const entry of toc.entries) {
    if (entry.owner !== '') roles.add(entry.owner);
    for (const name of rolesIn(entry)) if (name !== 'PUBLIC') roles.add(unquote(name));
  }
  return roles;
}

function rolesIn({ kind, definition }: TocEntry): string[] {
  if (kind === 'ACL' || kind === 'DEFAULT ACL')
    return [...definition.matchAll(GRANTEE)].map((match) => match[1]!);
  if (kind !== 'POLICY') return [];
  const list = POLICY.exec(definition)?.[1] ?? '';
  return [...list.matchAll(new RegExp(NAME, 'g'))].map((match) => match[0]);
}

function unquote(name: string): string {
  return name.replace(/^"(.*)"$/s, '$1').replaceAll('""', '"');
}

/** Makes every role of the dump that the server lacks, unable to log in. For servers that live as long as a drill. */
export async function createMissingRoles(client: Client, toc: ArchiveToc): Promise<void> {
  const { rows } = await client.query(
    'select name from pg_catalog.unnest($1::text[]) name where name not in (select rolname from pg_catalog.pg_roles)',
    [[...rolesOf(toc)]],
  );
  for (const { name } of rows) await client.query(`create role ${quoteName(name)} nologin`);
}

/**
 * Owners can be kept when every role of the dump exists and the session may give objects away. Otherwise the reason
 * why not, for a warning.
 */
export async function chooseOwners(
  client: Client,
  toc: ArchiveToc,
): Promise<{ owners: OwnerChoice; reason: string }> {
  const wanted = [...rolesOf(toc)];
  const { rows } = await client.query(
    `select coalesce(pg_catalog.array_agg(name), '{}') as missing,
       (select rolsuper from pg_catalog.pg_roles where rolname = current_user) as superuser, current_user::text as me
     from pg_catalog.unnest($1::text[]) name where name not in (select rolname from pg_catalog.pg_roles)`,
    [wanted],
  );
  const { missing, superuser, me } = rows[0];
  if (missing.length > 0) return { owners: 'skip', reason: `the server has no role ${missing.join(', ')}` };
  const onlyMine = wanted.every((role) => role === me);
  if (superuser || onlyMine) return { owners: 'keep', reason: '' };
  return { owners: 'skip', reason: `${me} is not a superuser` };
}

const DANGEROUS = `select rolsuper or rolcreaterole or rolreplication or rolbypassrls
  or pg_catalog.pg_has_role(oid, 'pg_execute_server_program', 'member')
  or pg_catalog.pg_has_role(oid, 'pg_read_server_files', 'member')
  or pg_catalog.pg_has_role(oid, 'pg_write_server_files', 'member') as dangerous, rolname
from pg_catalog.pg_roles where rolname in (current_user, session_user) order by 1 desc limit 1`;

/**
 * Refuses, with `target_failed`, a session that may do more than fill its own database. Both the current and the
 * login role count: SQL of the dump can go back from one to the other.
 */
export async function requireUnprivileged(client: Client): Promise<void> {
  const { rows } = await client.query(DANGEROUS);
  if (!rows[0].dangerous) return;
  throw new HoldfastError(
    'target_failed',
    `the role ${rows[0].rolname} may do too much for an untrusted dump`,
    {
      next: 'load it as an unprivileged role into a throwaway cluster',
    },
  );
}
