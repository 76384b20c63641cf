import type { PostgresAddress } from './address.ts';
import { connect, endQuietly } from './connect.ts';
import { targetFailure } from './failures.ts';
import { quoteName } from './quote.ts';

const SCHEMAS = `select nspname::text as name from pg_catalog.pg_namespace
where nspname !~ '^pg_' and nspname <> 'information_schema' order by oid`;

/** Takes all of its own out of a database, in one transaction: schemas with what is in them, and large objects. Throws `target_failed` and its kin. */
export async function emptyDatabase(address: PostgresAddress): Promise<void> {
  const client = await connect(address);
  try {
    await client.query('begin');
    const { rows } = await client.query(SCHEMAS);
    for (const { name } of rows) {
      await client.query(`drop schema ${quoteName(name)} cascade`);
    }
    await client.query('select pg_catalog.lo_unlink(oid) from pg_catalog.pg_largeobject_metadata');
    await client.query('create schema public');
    await client.query('grant usage on schema public to public');
    await client.query('commit');
  } catch (error) {
    throw targetFailure(error, address);
  } finally {
    await endQuietly(client);
  }
}
