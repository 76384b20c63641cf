/** What a backup must be before it is worth restoring: complete, of the right things, and not empty. */
import type { Manifest } from '../../repository/manifest.ts';
import { parsePostgresAddress } from '../../sources/postgres/index.ts';
import type { ComparedContent } from './compare-content.ts';
import type { CheckResult, DrillRequest } from './drill-types.ts';
import type { RestoredState } from './restore-all.ts';

const result = (name: string, status: CheckResult['status'], detail: string): CheckResult => ({
  ...{ name, kind: 'holdings', status, detail, durationMs: 0 },
});

const PROBLEMS_NAMED = 3;

const plural = (count: number, one: string) => `${count} ${one}${count === 1 ? '' : 's'}`;

/** From the manifests alone, before anything is restored. */
export function checkManifests(
  manifests: readonly Manifest[],
  expected: DrillRequest['expected'],
): CheckResult[] {
  const checks: CheckResult[] = [];
  const all = manifests.flatMap(({ problems }) => problems);
  const problems = all.map(
    ({ artifact, path, message }) => `${artifact}${path === '' ? '' : `/${path}`}: ${message}`,
  );
  checks.push(
    manifests.every(({ complete }) => complete)
      ? result('complete', 'green', 'everything named by the plan was read')
      : result(
          'complete',
          'red',
          `the backup is incomplete: ${problems.slice(0, PROBLEMS_NAMED).join('; ')}`,
        ),
  );
  for (const { name, mayLack } of expected) {
    const isHeld = manifests.some(({ artifacts }) => artifacts.some(({ source }) => source === name));
    if (isHeld || mayLack) continue;
    checks.push(result(`holds ${name}`, 'red', `the backup holds nothing of the source ${name}`));
  }
  return checks;
}

/** From what was restored: the right database, with rows in it. */
export function checkHoldings(
  state: RestoredState,
  { tables, counted }: Pick<ComparedContent, 'tables' | 'counted'>,
  request: DrillRequest,
): CheckResult[] {
  const checks: CheckResult[] = [];
  for (const { source, toc } of state.dumps) {
    const spec = request.sources.find((one) => one.name === source);
    if (spec?.kind !== 'postgres') continue;
    const wanted = parsePostgresAddress(spec.url).database;
    const found = toc.header.database;
    if (found !== wanted) {
      checks.push(
        result(
          `database of ${source}`,
          'red',
          `it is a dump of the database ${found}, the plan names ${wanted}`,
        ),
      );
    }
  }
  const databases = [
    ...state.dumps.map(({ source }) => source),
    ...[...state.scripts, ...state.exports].map(({ source }) => source),
    ...state.databases.map(({ artifact }) => artifact.source),
  ];
  for (const source of new Set(databases)) {
    // What could not be counted is red already, for the reason that counts.
    if (request.settings.mayBeEmpty.includes(source) || !counted.has(source)) continue;
    const own = tables.filter((table) => table.source === source);
    const rows = own.reduce((sum, table) => sum + table.rows, 0);
    if (own.length === 0) checks.push(result(`rows of ${source}`, 'red', 'the database has no tables'));
    else if (rows === 0)
      checks.push(result(`rows of ${source}`, 'red', `none of its ${own.length} tables has a row`));
    else
      checks.push(
        result(`rows of ${source}`, 'green', `${plural(rows, 'row')} in ${plural(own.length, 'table')}`),
      );
  }
  return checks;
}
