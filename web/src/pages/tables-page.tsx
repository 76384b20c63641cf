import { Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useDocuments } from '../api/queries.ts';
import { type RetainedTable, useRetainedTables } from '../api/tables.ts';
import type { StoredDocument } from '../api/types.ts';
import type { Column } from '../parts/data-table.tsx';
import { ListPage } from '../parts/list-page.tsx';
import { Named } from '../parts/plan-cells.tsx';
import { When } from '../parts/when.tsx';
import { LastRun } from '../tables/last-run.tsx';
import { TableActions } from '../tables/table-actions.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { numberText } from '../texts/values.ts';

/** Tables whose old rows are archived and deleted: what stays, what came of it last, when it is next. */
export function TablesPage() {
  const t = useTexts();
  const tables = useRetainedTables();
  const plans = useDocuments('plans').data?.items;
  const columns: Column<RetainedTable>[] = [
    {
      label: t('column.table'),
      cell: ({ source, table, tenant_id }) => (
        <>
          <Named name={table} tenant={tenant_id} />
          <div className="soft small">{t('tables.of', { source })}</div>
          {plans && <PlansOf source={source} plans={plans} />}
        </>
      ),
    },
    { label: t('tables.rule'), cell: (one) => <Rule of={one} /> },
    { label: t('tables.last'), cell: ({ last_job }) => <LastRun of={last_job} /> },
    {
      label: t('tables.next'),
      cell: ({ next_due_at, schedule }) =>
        next_due_at ? (
          <>
            <When at={next_due_at} />
            <div className="code soft small">{schedule}</div>
          </>
        ) : (
          t(schedule ? 'tables.off' : 'tables.onlyAsked')
        ),
    },
    { label: t('column.action'), cell: (one) => <TableActions of={one} /> },
  ];
  return (
    <ListPage
      title={t('nav.tables')}
      text={t('tables.text')}
      columns={columns}
      list={tables}
      keyOf={({ source, table }) => `${source}/${table}`}
      empty={<Empty />}
    />
  );
}

interface PlansOfProps {
  readonly source: string;
  readonly plans: readonly StoredDocument[];
}

/** The plans that back the whole database up. */
function PlansOf({ source, plans }: PlansOfProps) {
  const t = useTexts();
  const names = plans
    .filter(({ body }) => (body.sources as string[]).includes(source))
    .map(({ name }) => name);
  return (
    <div className="soft small">
      {names.length > 0 ? t('tables.plans', { plans: names.join(', ') }) : t('tables.noPlan')}
    </div>
  );
}

function Rule({ of: { max_age_days, max_rows, keep_archives_days } }: { readonly of: RetainedTable }) {
  const t = useTexts();
  const language = useLanguage();
  const number = (value: number) => numberText(value, language);
  return (
    <>
      {max_age_days !== null && <div>{t('tables.age', { days: number(max_age_days) })}</div>}
      {max_rows !== null && <div>{t('tables.rows', { count: number(max_rows) })}</div>}
      <div className="soft small">
        {keep_archives_days === null
          ? t('tables.archivesStay')
          : t('tables.archivesFor', { days: number(keep_archives_days) })}
      </div>
    </>
  );
}

const EXAMPLE = `tableRetention:
  audit_log:
    column: created_at
    maxAgeDays: 365
    schedule: "30 2 * * *"`;

function Empty() {
  const t = useTexts();
  return (
    <>
      <Text size="sm">
        {t('tables.empty')}{' '}
        <Link to="/sources" className="link">
          {t('nav.sources')}
        </Link>
      </Text>
      <pre className="code">{EXAMPLE}</pre>
    </>
  );
}
