import { HoldfastError } from '../../base/errors.ts';
import { endQuietly } from './connect.ts';
import type { DumpFacts } from './facts.ts';
import { targetFailure } from './failures.ts';
import { quoteQualified } from './quote.ts';
import { openLoader, type RestoreContext } from './restore-context.ts';

type Where = Pick<RestoreContext, 'address' | 'encoding' | 'role'>;

/** Counts the rows of every table of the dump. Throws `restore_mismatch` naming the first few that differ. */
export async function checkCounts(context: Where, facts: DumpFacts): Promise<void> {
  const differing: string[] = [];
  await withLoader(context, async (query) => {
    for (const { schema, name, rows } of facts.tables) {
      const found = await query(
        `select pg_catalog.count(*)::text as n from only ${quoteQualified(schema, name)}`,
      );
      if (found !== rows) differing.push(`${schema}.${name} has ${found} rows instead of ${rows}`);
    }
  });
  if (differing.length > 0) throw new HoldfastError('restore_mismatch', differing.slice(0, 5).join(', '));
}

/** Compares number and total size of large objects. Throws `restore_mismatch`. */
export async function checkLargeObjects(context: Where, facts: DumpFacts): Promise<void> {
  const { count } = facts.largeObjects;
  await withLoader(context, async (query) => {
    const found = await query(
      'select pg_catalog.count(*)::text as n from pg_catalog.pg_largeobject_metadata',
    );
    if (found === count) return;
    throw new HoldfastError('restore_mismatch', `the target has ${found} large objects instead of ${count}`);
  });
}

async function withLoader(
  context: Where,
  work: (query: (sql: string) => Promise<number>) => Promise<void>,
): Promise<void> {
  const client = await openLoader(context);
  try {
    await work(async (sql) => Number((await client.query(sql)).rows[0].n));
  } catch (error) {
    throw targetFailure(error, context.address);
  } finally {
    await endQuietly(client);
  }
}
