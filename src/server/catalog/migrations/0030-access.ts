import type { MigrationDb } from '../migrate.ts';
import type { Dialect } from '../types.ts';
import { createIndex, createTable } from './ddl.ts';

const ROLES = "('owner', 'admin', 'operator', 'viewer')";

/** Users, sessions, tokens, attempts to log in. */
export async function up(db: MigrationDb, dialect: Dialect): Promise<void> {
  for (const [name, lines] of Object.entries(TABLES)) await createTable(db, dialect, name, lines);
  // The database itself knows one owner only, whatever two servers do at the same moment.
  await createIndex(db, { name: 'users_owner', on: 'users (role)', where: "role = 'owner'", unique: true });
  await createIndex(db, { name: 'sessions_by_user', on: 'sessions (user_id)' });
  await createIndex(db, { name: 'sessions_expired', on: 'sessions (expires_at)' });
  await createIndex(db, { name: 'api_tokens_by_user', on: 'api_tokens (user_id, id)' });
  await createIndex(db, { name: 'login_attempts_old', on: 'login_attempts (window_at)' });
}

const TABLES: { readonly [name: string]: readonly string[] } = {
  users: [
    'id TEXT primary key',
    'name TEXT not null unique',
    'password_hash TEXT not null',
    `role TEXT check (role in ${ROLES})`,
    'created_at INTEGER not null',
    'disabled_at INTEGER',
    'totp_secret TEXT',
    'totp_confirmed_at INTEGER',
    'totp_last_step INTEGER',
  ],
  user_tenant_roles: [
    'user_id TEXT not null references users (id) on delete cascade',
    'tenant_id TEXT not null',
    `role TEXT not null check (role in ('admin', 'operator', 'viewer'))`,
    'primary key (user_id, tenant_id)',
  ],
  recovery_codes: [
    'user_id TEXT not null references users (id) on delete cascade',
    'code_hash TEXT not null',
    'primary key (user_id, code_hash)',
  ],
  sessions: [
    'token_hash TEXT primary key',
    'id TEXT not null unique',
    'user_id TEXT not null references users (id) on delete cascade',
    'created_at INTEGER not null',
    'seen_at INTEGER not null',
    'expires_at INTEGER not null',
    'proven_at INTEGER not null',
    'address TEXT not null',
    'agent TEXT not null',
  ],
  api_tokens: [
    'id TEXT primary key',
    'user_id TEXT not null references users (id) on delete cascade',
    'name TEXT not null',
    'secret_hash TEXT not null unique',
    'scopes TEXT not null',
    'tenant_id TEXT',
    'created_at INTEGER not null',
    'expires_at INTEGER not null',
    'used_at INTEGER',
    'revoked_at INTEGER',
  ],
  one_time_codes: [
    'code_hash TEXT primary key',
    "purpose TEXT not null check (purpose in ('setup', 'login'))",
    'user_id TEXT references users (id) on delete cascade',
    'created_at INTEGER not null',
    'expires_at INTEGER not null',
  ],
  login_attempts: [
    'subject TEXT not null',
    'window_at INTEGER not null',
    'count INTEGER not null',
    'primary key (subject, window_at)',
  ],
};
