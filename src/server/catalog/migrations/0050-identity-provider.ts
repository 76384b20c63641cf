import type { MigrationDb } from '../migrate.ts';
import type { Dialect } from '../types.ts';
import { createIndex, createTable } from './ddl.ts';

/** Logging in through an identity provider. */
export async function up(db: MigrationDb, dialect: Dialect): Promise<void> {
  for (const [name, lines] of Object.entries(TABLES)) await createTable(db, dialect, name, lines);
  await createIndex(db, { name: 'user_identities_by_user', on: 'user_identities (user_id)' });
  await createIndex(db, { name: 'used_login_states_old', on: 'used_login_states (expires_at)' });
}

const TABLES: { readonly [name: string]: readonly string[] } = {
  identity_providers: [
    // One for now.
    "kind TEXT primary key check (kind = 'oidc')",
    'body TEXT not null',
    'updated_at INTEGER not null',
    'updated_by TEXT not null',
  ],
  user_identities: [
    'issuer TEXT not null',
    'subject TEXT not null',
    'user_id TEXT not null references users (id) on delete cascade',
    'created_at INTEGER not null',
    'seen_at INTEGER not null',
    'primary key (issuer, subject)',
  ],
  used_login_states: ['state_hash TEXT primary key', 'expires_at INTEGER not null'],
};
