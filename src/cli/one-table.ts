import { HoldfastError } from '../engine/base/errors.ts';
import type { Engine } from './engine-door.ts';
import { isPostgresAddress } from './recognise-source.ts';

/** `--table` and `--with-dependencies` of restore. */
export interface OneTable {
  readonly table: string | undefined;
  readonly withDependencies: boolean;
}

/** Throws `usage` for options that do not go together. */
export function requireTableOptions({ table, withDependencies }: OneTable, to: string | undefined): void {
  if (table === undefined) {
    if (withDependencies) throw new HoldfastError('usage', '--with-dependencies goes with --table');
    return;
  }
  if (to !== undefined && isPostgresAddress(to)) return;
  throw new HoldfastError('usage', 'one table is restored into a database', {
    next: 'name it with --to postgres://…',
  });
}

/** The item that is one table of a dump. Throws `usage` where the backup holds several dumps, `item_unknown` for none. */
export async function itemOfTable(
  engine: Engine,
  id: string,
  item: string | null,
  table: string,
): Promise<string> {
  const dumps = (await engine.show(id)).artifacts.filter(
    ({ kind, name, source }) => kind === 'pg-dump' && (item === null || item === name || item === source),
  );
  if (dumps.length === 1) return `${dumps[0]!.name}/${table}`;
  if (dumps.length === 0) throw new HoldfastError('item_unknown', 'nothing chosen is a dump of PostgreSQL');
  throw new HoldfastError('usage', 'the backup holds several dumps', {
    next: `name one: ${dumps.map(({ name }) => name).join(', ')}`,
  });
}
