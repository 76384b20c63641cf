import type { Client } from 'pg';
import { HoldfastError } from '../../base/errors.ts';
import { endQuietly } from './connect.ts';
import { loadTable, loadTogether } from './load-table.ts';
import { openLoader, type RestoreContext } from './restore-context.ts';
import { type RestorePlan, SMALL_TABLE_BYTES, sizeOf, type TableLoad } from './restore-plan.ts';
import { runStatement } from './run-statement.ts';
import { runTasks, type Task } from './run-tasks.ts';

/** Small tables share a transaction, up to so much and so many: each locks itself and its indexes until the end. */
const TOGETHER_TABLES = 24;
const TOGETHER_BYTES = 8 << 20;

/** What making an index or checking a foreign key takes, beside loading the table (measured: an eighth to a quarter). */
const INDEX_WEIGHT = 0.2;
const KEY_WEIGHT = 0.15;
/** Takes no time, and others wait for it. */
const AT_ONCE = Number.MAX_SAFE_INTEGER;

type LoadTask = Task<Client>;

/**
 * Loads tables by several connections at once and counts their rows. As soon as a table is loaded its indexes are made,
 * then the foreign keys. The first failure stops all. Throws `restore_mismatch` where a count differs.
 */
export async function loadTables(context: RestoreContext, plan: RestorePlan): Promise<void> {
  const stop = new AbortController();
  const signal = context.signal ? AbortSignal.any([context.signal, stop.signal]) : stop.signal;
  const tasks = tasksOf({ ...context, signal }, plan);
  const clients: Client[] = [];
  try {
    while (clients.length < Math.min(context.jobs, tasks.length)) clients.push(await openLoader(context));
    await runTasks(tasks, clients, (error) => stop.abort(error));
  } catch (error) {
    throw context.signal?.aborted ? new HoldfastError('interrupted') : error;
  } finally {
    await Promise.all(clients.map(endQuietly));
  }
}

function tasksOf(context: RestoreContext, plan: RestorePlan): LoadTask[] {
  const big = plan.tables.filter(({ table }) => sizeOf(table) >= SMALL_TABLE_BYTES);
  const small = plan.tables.filter(({ table }) => sizeOf(table) < SMALL_TABLE_BYTES);
  const tasks: LoadTask[] = [];
  /** What has to end before a table is whole. */
  const wholeAfter = new Map<TableLoad, LoadTask[]>();
  let toLoad = plan.tables.length;
  const loaded = (count: number) => {
    toLoad -= count;
    if (toLoad === 0) context.progress.phase('indexes', {});
  };
  for (const load of big) {
    const keys = plan.foreignKeys.filter(({ fromTable }) => fromTable === load).length;
    const own = tableTasks(context, load, keys, () => loaded(1));
    tasks.push(...own);
    wholeAfter.set(load, own);
  }
  for (const loads of together(small)) {
    const task: LoadTask = {
      weight: loads.reduce((sum, { table }) => sum + sizeOf(table), 0),
      after: [],
      async run(client) {
        await loadTogether(context, client, loads);
        loaded(loads.length);
      },
    };
    tasks.push(task);
    for (const load of loads) wholeAfter.set(load, [task]);
  }
  return [...tasks, ...keyTasks(context, plan, wholeAfter)];
}

/** Loading, and after it each index, by whoever is free. */
function tableTasks(
  context: RestoreContext,
  load: TableLoad,
  keys: number,
  onLoaded: () => void,
): LoadTask[] {
  const { table, target, indexes } = load;
  const bytes = sizeOf(table);
  const keysWeight = bytes * keys * KEY_WEIGHT;
  const copy: LoadTask = {
    weight: bytes * (1 + indexes.length * INDEX_WEIGHT) + keysWeight,
    after: [],
    async run(client) {
      await loadTable(context, client, load);
      onLoaded();
    },
  };
  const builds = indexes.map(({ entry, exclusive }): LoadTask => {
    const weight = bytes * INDEX_WEIGHT + keysWeight;
    const run = (client: Client) => runStatement(context, client, entry.definition, entry.name);
    return exclusive
      ? { weight: weight + 1, after: [copy], holds: [target.table], run }
      : { weight, after: [copy], shares: [target.table], run };
  });
  return [copy, ...builds];
}

/** In the order of the archive, so that neighbours are read together. */
function together(small: readonly TableLoad[]): TableLoad[][] {
  const groups: TableLoad[][] = [];
  let bytes = 0;
  for (const load of [...small].sort((a, b) => a.table.start - b.table.start)) {
    const group = groups.at(-1);
    bytes += sizeOf(load.table);
    if (group && group.length < TOGETHER_TABLES && bytes <= TOGETHER_BYTES) group.push(load);
    else {
      groups.push([load]);
      bytes = sizeOf(load.table);
    }
  }
  return groups;
}

/**
 * A key is made without a look at the rows, which takes no time, and validated afterwards: keys of different tables can
 * be validated side by side, where `ADD CONSTRAINT` alone would shut both tables meanwhile.
 */
function keyTasks(
  context: RestoreContext,
  { foreignKeys }: RestorePlan,
  wholeAfter: ReadonlyMap<TableLoad, LoadTask[]>,
): LoadTask[] {
  const adding = foreignKeys.map((key) => {
    const { fromTable, toTable, add, entry } = key;
    const task: LoadTask = {
      weight: AT_ONCE,
      after: [...wholeAfter.get(fromTable)!, ...wholeAfter.get(toTable)!],
      holds: [fromTable.target.table, toTable.target.table],
      run: (client) => runStatement(context, client, add, entry.name),
    };
    return { key, task };
  });
  const touching = (load: TableLoad) =>
    adding.filter(({ key }) => key.fromTable === load || key.toTable === load).map(({ task }) => task);
  const validating = foreignKeys.map(
    ({ fromTable, validate, entry }): LoadTask => ({
      weight: sizeOf(fromTable.table) * KEY_WEIGHT,
      after: touching(fromTable),
      holds: [fromTable.target.table],
      run: (client) => runStatement(context, client, validate, entry.name),
    }),
  );
  return [...adding.map(({ task }) => task), ...validating];
}
