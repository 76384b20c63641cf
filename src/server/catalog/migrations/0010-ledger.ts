import { sql } from 'kysely';
import type { MigrationDb } from '../migrate.ts';
import type { Dialect } from '../types.ts';
import { createTable } from './ddl.ts';

/** The ledger. The database itself refuses to change or delete a row, and one that does not follow from the row before. */
export async function up(db: MigrationDb, dialect: Dialect): Promise<void> {
  for (const [name, lines] of Object.entries(TABLES)) {
    await createTable(db, dialect, name, lines);
    const statements = dialect === 'sqlite' ? refusalsOnSqlite(name) : refusalsOnPostgres(name);
    for (const statement of statements) await sql.raw(statement).execute(db);
  }
  for (const [name, { number, hash }] of Object.entries(CHAINS)) {
    if (dialect === 'sqlite') {
      await sql.raw(orderOnSqlite(name, number, hash)).execute(db);
    } else {
      const { rows } = await sql<{ place: string }>`select quote_ident(current_schema()) as place`.execute(
        db,
      );
      for (const statement of orderOnPostgres(name, number, hash, rows[0]!.place)) {
        await sql.raw(statement).execute(db);
      }
    }
  }
}

const HASH = (column: string) => `${column} TEXT not null check (length(${column}) = 64)`;

const ENTRIES = [
  'seq INTEGER primary key',
  'at INTEGER not null',
  'tenant_id TEXT',
  'actor_kind TEXT not null',
  'actor_id TEXT',
  'actor_name TEXT',
  'action TEXT not null',
  'object_kind TEXT',
  'object_id TEXT',
  'outcome TEXT not null',
  'detail TEXT not null',
  HASH('previous_hash'),
  HASH('hash'),
  'signature TEXT not null',
  HASH('key_id'),
];

const CHECKPOINTS = [
  'number INTEGER primary key',
  'at INTEGER not null',
  'seq INTEGER not null',
  HASH('head_hash'),
  'entries INTEGER not null',
  HASH('previous_hash'),
  HASH('hash'),
  'signature TEXT not null',
  HASH('key_id'),
];

const TABLES: { readonly [name: string]: readonly string[] } = {
  audit_vault: ENTRIES,
  org_admin_reads: ENTRIES,
  vault_checkpoints: CHECKPOINTS,
  org_admin_reads_checkpoints: CHECKPOINTS,
  vault_signing_keys: [
    'key_id TEXT primary key',
    'public_key TEXT not null',
    'host TEXT not null',
    'activated_at INTEGER not null',
    'activated_seq INTEGER not null',
  ],
  vault_key_retirements: [
    'key_id TEXT primary key references vault_signing_keys (key_id)',
    'retired_at INTEGER not null',
    'retired_seq INTEGER not null',
  ],
};

const CHAINS = {
  audit_vault: { number: 'seq', hash: 'hash' },
  org_admin_reads: { number: 'seq', hash: 'hash' },
  vault_checkpoints: { number: 'number', hash: 'hash' },
  org_admin_reads_checkpoints: { number: 'number', hash: 'hash' },
} as const;

const ZEROS = '0'.repeat(64);

function refusalsOnSqlite(table: string): string[] {
  return ['update', 'delete'].map(
    (verb) =>
      `create trigger ${table}_no_${verb} before ${verb} on ${table}
       begin select raise(abort, 'the ledger is append-only: ${verb} of ${table} is refused'); end`,
  );
}

/** Also refuses `insert or replace`, which deletes without firing triggers: a row that is there is never the next. */
function orderOnSqlite(table: string, number: string, hash: string): string {
  return `create trigger ${table}_in_order before insert on ${table}
    when new.${number} is not coalesce((select max(${number}) from ${table}), 0) + 1
      or new.previous_hash is not coalesce((select ${hash} from ${table} where ${number} = new.${number} - 1), '${ZEROS}')
    begin select raise(abort, 'the ledger is one chain: this is not the next row of ${table}'); end`;
}

/** `enable always`: also while a session says that it replicates. */
function refusalsOnPostgres(table: string): string[] {
  const refuse = `${table}_refuse`;
  return [
    `create function ${refuse}() returns trigger language plpgsql as $$
     begin raise exception 'the ledger is append-only: % of ${table} is refused', lower(tg_op)
       using errcode = 'object_not_in_prerequisite_state'; end $$`,
    `create trigger ${table}_no_change before update or delete on ${table} for each row execute function ${refuse}()`,
    `create trigger ${table}_no_truncate before truncate on ${table} for each statement execute function ${refuse}()`,
    `alter table ${table} enable always trigger ${table}_no_change`,
    `alter table ${table} enable always trigger ${table}_no_truncate`,
  ];
}

/** The table is named with its schema: a temporary one of the same name must not stand in for it. */
function orderOnPostgres(table: string, number: string, hash: string, schema: string): string[] {
  const whole = `${schema}.${table}`;
  return [
    `create function ${table}_in_order() returns trigger language plpgsql as $$
     declare last_number bigint; last_hash text;
     begin
       select ${number}, ${hash} into last_number, last_hash from ${whole} order by ${number} desc limit 1;
       if new.${number} is distinct from coalesce(last_number, 0) + 1
         or new.previous_hash is distinct from coalesce(last_hash, '${ZEROS}') then
         raise exception 'the ledger is one chain: this is not the next row of ${table}'
           using errcode = 'object_not_in_prerequisite_state';
       end if;
       return new;
     end $$`,
    `create trigger ${table}_in_order before insert on ${table} for each row execute function ${table}_in_order()`,
    `alter table ${table} enable always trigger ${table}_in_order`,
  ];
}
