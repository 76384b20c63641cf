/** What table retention would do now: the same answer that `holdfast table-retention plan` gives. */
import type { FastifyReply } from 'fastify';
import { tableRule } from '../../contracts/table-archives.ts';
import { openEngine, silentProgress } from '../../engine/index.ts';
import { requireRetainedTable } from '../configuration/retained-tables.ts';
import { tableAtWork } from '../worker/retained-table.ts';
import type { ServerContext } from './context.ts';
import { whileWaiting } from './copies.ts';
import { turns } from './turns.ts';

/** Each counts a whole table of a database that others work with. */
const COUNTS = turns({ atOnce: 2, inLine: 8 });

/** Ends when whoever asked goes away. Throws `item_unknown` for a table without a rule, and what opening the table throws. */
export async function previewTable(
  context: ServerContext,
  reply: FastifyReply,
  { source: name, table }: { readonly source: string; readonly table: string },
) {
  await requireRetainedTable(context.catalog.db, name, table);
  const { rule, source, spec } = await tableAtWork(context, name, table);
  return whileWaiting(reply, (waiting) =>
    COUNTS.take(waiting, async () => {
      const engine = await openEngine({
        ...(await spec.options()),
        ...{ progress: silentProgress, signal: waiting },
      });
      try {
        const planned = await engine.planTableRetention({ source, ...tableRule(table, rule) });
        const { rows, going, limits } = planned;
        return { source: name, table, rows, going, limits: [...limits] };
      } finally {
        await engine.close();
      }
    }),
  );
}
