import '../drills/drills.css';
import { Stack, Text } from '@mantine/core';
import { Link, useParams } from '@tanstack/react-router';
import { type DrillDetail, useDrill } from '../api/drills.ts';
import { CheckTable } from '../drills/check-table.tsx';
import { DrillMark } from '../drills/drill-mark.tsx';
import { preciseText } from '../drills/duration.ts';
import { Evidence } from '../drills/evidence.tsx';
import { PhaseChart } from '../drills/phase-chart.tsx';
import { TrendChart } from '../drills/trend-chart.tsx';
import { type Column, DataTable, Waiting } from '../parts/data-table.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Said, SaidProblem } from '../parts/said.tsx';
import { When } from '../parts/when.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { numberText } from '../texts/values.ts';

export function DrillPage() {
  const { id } = useParams({ from: '/drills/$id' });
  const drill = useDrill(id);
  if (drill.data) return <Shown drill={drill.data} />;
  return drill.error ? <ProblemNote error={drill.error} onRetry={() => void drill.refetch()} /> : <Waiting />;
}

function Shown({ drill }: { readonly drill: DrillDetail }) {
  const t = useTexts();
  const { started_at, result, trial, failure, phases, trend, surroundings, limits } = drill;
  return (
    <Stack gap="md">
      <PageHead title={t('drill.title')} at={started_at} text={<span className="code">{drill.id}</span>} />
      <Panel>
        <Stack gap="sm">
          <DrillMark result={result} isTrial={trial} />
          {failure && <SaidProblem error={failure} />}
          <Facts drill={drill} />
        </Stack>
      </Panel>
      <Panel title={t('drill.checks')} flush>
        <CheckTable checks={drill.check_results} />
      </Panel>
      {phases.length > 0 && (
        <Panel title={t('drill.phases')}>
          <PhaseChart phases={phases} />
        </Panel>
      )}
      {trend.length > 0 && (
        <Panel title={t('drill.trend')}>
          <TrendChart label={t('drill.rto')} points={trend} measure={({ rto_ms }) => rto_ms} />
          <TrendChart label={t('drill.rpo')} points={trend} measure={({ rpo_ms }) => rpo_ms} />
        </Panel>
      )}
      <Evidence drill={drill} />
      <Tables drill={drill} />
      <PlainList title={t('drill.how')} items={surroundings} />
      <PlainList title={t('drill.limits')} items={limits} />
    </Stack>
  );
}

function Facts({ drill }: { readonly drill: DrillDetail }) {
  const t = useTexts();
  const language = useLanguage();
  const { plan, backup, backup_id, other_backups, destination, host, program, via, requested_by } = drill;
  const linked = (id: string, at: string) => (
    <Link to="/backups/$id" params={{ id }} className="link">
      <When at={at} />
    </Link>
  );
  return (
    <dl className="facts">
      <dt>{t('column.plan')}</dt>
      <dd>{plan ?? '–'}</dd>
      <dt>{t('drill.rto')}</dt>
      <dd>{preciseText(drill.rto_ms, language)}</dd>
      <dt>{t('drill.rpo')}</dt>
      <dd>{preciseText(drill.rpo_ms, language)}</dd>
      <dt>{t('drill.of')}</dt>
      <dd>{backup ? linked(backup.id, backup.started_at) : (backup_id ?? '–')}</dd>
      {other_backups.length > 0 && (
        <>
          <dt>{t('drill.others')}</dt>
          <dd>
            {other_backups.map(({ id, destination: at, started_at }) => (
              <div key={id}>
                {linked(id, started_at)} <span className="soft">{at}</span>
              </div>
            ))}
          </dd>
        </>
      )}
      <dt>{t('drill.where')}</dt>
      <dd>{destination ?? '–'}</dd>
      <dt>{t('drill.on')}</dt>
      <dd>{[host, program].filter(Boolean).join(', ') || '–'}</dd>
      {via && (
        <>
          <dt>{t('column.by')}</dt>
          <dd>{[requested_by, t(`drill.via.${via}`)].filter(Boolean).join(', ')}</dd>
        </>
      )}
    </dl>
  );
}

function Tables({ drill: { tables, more_tables } }: { readonly drill: DrillDetail }) {
  const t = useTexts();
  const language = useLanguage();
  if (tables.length === 0) return null;
  const columns: Column<DrillDetail['tables'][number]>[] = [
    { label: t('drillEdit.source'), cell: ({ source }) => source },
    { label: t('column.name'), cell: ({ name }) => <span className="code">{name}</span> },
    { label: t('drill.rows'), isNumber: true, cell: ({ rows }) => numberText(rows, language) },
  ];
  return (
    <Panel title={t('drill.tables')} flush>
      <DataTable
        label={t('drill.tables')}
        columns={columns}
        items={tables}
        keyOf={({ source, name }) => `${source}/${name}`}
        empty={t('drill.noTables')}
      />
      {more_tables > 0 && (
        <Text size="sm" className="soft panel-body">
          {t('drill.moreTables', { count: more_tables })}
        </Text>
      )}
    </Panel>
  );
}

function PlainList({ title, items }: { readonly title: string; readonly items: readonly string[] }) {
  if (items.length === 0) return null;
  return (
    <Panel title={title}>
      <ul className="plain-list">
        {items.map((item) => (
          <li key={item}>
            <Said text={item} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}
