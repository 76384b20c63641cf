import '../drills/drills.css';
import { Button, Group, Stack } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { type Drill, type DrillPlan, useDrillPlans, useDrills } from '../api/drills.ts';
import { useAskDrill } from '../drills/ask-drill.ts';
import { DrillMark } from '../drills/drill-mark.tsx';
import { preciseText } from '../drills/duration.ts';
import { type Column, DataTable, moreOf } from '../parts/data-table.tsx';
import { Filter, Which } from '../parts/list-filters.tsx';
import { useMay } from '../parts/may.ts';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
import { Named } from '../parts/plan-cells.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { StatusMark } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { type Translate, useLanguage, useTexts } from '../texts/texts.ts';

export function DrillsPage() {
  const t = useTexts();
  return (
    <Stack gap="md">
      <PageHead title={t('nav.drills')} text={t('drills.text')} />
      <Plans />
      <History />
    </Stack>
  );
}

function scheduleText({ schedule, after_backups }: DrillPlan, t: Translate): string {
  const named = schedule === 'monthly' || schedule === 'quarterly' ? t(`drill.${schedule}`) : schedule;
  const after = after_backups === null ? null : t('drill.afterBackups', { count: after_backups });
  return [named, after].filter(Boolean).join(', ') || t('drill.none');
}

function Plans() {
  const t = useTexts();
  const may = useMay();
  const plans = useDrillPlans();
  const ask = useAskDrill();
  const columns: Column<DrillPlan>[] = [
    { label: t('column.plan'), cell: ({ plan, tenant_id }) => <Named name={plan} tenant={tenant_id} /> },
    { label: t('drill.when'), cell: (plan) => scheduleText(plan, t) },
    {
      label: t('drill.due'),
      cell: ({ next_due_at, overdue }) => (
        <>
          {overdue && <StatusMark status="warning" label={t('drill.overdue')} />}
          {next_due_at && <When at={next_due_at} relative />}
        </>
      ),
    },
    {
      label: t('drill.last'),
      cell: ({ last_drill }) =>
        last_drill ? (
          <Group gap="xs">
            <DrillMark result={last_drill.result} />
            <Link to="/drills/$id" params={{ id: last_drill.id }}>
              <When at={last_drill.started_at} relative />
            </Link>
          </Group>
        ) : (
          t('overview.never')
        ),
    },
    {
      label: t('drill.proven'),
      cell: ({ last_proven_at }) =>
        last_proven_at ? <When at={last_proven_at} relative /> : t('overview.never'),
    },
    {
      label: t('column.action'),
      cell: ({ plan }) => (
        <Group gap="xs">
          {may('backups:trigger') && (
            <Button
              variant="default"
              size="xs"
              aria-label={t('drill.nowNamed', { plan })}
              loading={ask.isPending}
              onClick={() => ask.mutate({ plan })}
            >
              {t('drill.now')}
            </Button>
          )}
          {may('plans:write') && (
            <Link to="/drills/plans/$plan" params={{ plan }} aria-label={t('drill.editNamed', { plan })}>
              {t('drill.edit')}
            </Link>
          )}
        </Group>
      ),
    },
  ];
  return (
    <>
      <ProblemNote error={ask.error} />
      <Panel title={t('drills.plans')} flush>
        <DataTable
          label={t('drills.plans')}
          columns={columns}
          items={plans.data?.items}
          keyOf={({ plan }) => plan}
          empty={t('drills.noPlans')}
          error={plans.error}
          onRetry={() => void plans.refetch()}
        />
      </Panel>
    </>
  );
}

function History() {
  const t = useTexts();
  const language = useLanguage();
  const [plan, setPlan] = useState<string | null>(null);
  const [which, setWhich] = useState('all');
  const plans = useDrillPlans().data?.items ?? [];
  const drills = useDrills({ plan: plan ?? undefined, result: which === 'red' ? 'red' : undefined });
  const columns: Column<Drill>[] = [
    {
      label: t('column.time'),
      cell: ({ id, started_at }) => (
        <Link to="/drills/$id" params={{ id }}>
          <When at={started_at} />
        </Link>
      ),
    },
    { label: t('column.plan'), cell: ({ plan: name }) => name ?? '–' },
    { label: t('column.result'), cell: ({ result, trial }) => <DrillMark result={result} isTrial={trial} /> },
    { label: t('drill.rto'), isNumber: true, cell: ({ rto_ms }) => preciseText(rto_ms, language) },
    { label: t('drill.rpo'), isNumber: true, cell: ({ rpo_ms }) => preciseText(rpo_ms, language) },
    {
      label: t('drill.checks'),
      isNumber: true,
      cell: ({ checks, red_checks }) =>
        red_checks > 0 ? t('drill.checksOf', { count: checks, red: red_checks }) : checks,
    },
    {
      label: t('column.by'),
      cell: ({ via, requested_by }) =>
        via ? `${requested_by ? `${requested_by}, ` : ''}${t(`drill.via.${via}`)}` : '–',
    },
  ];
  return (
    <Panel title={t('drills.history')} flush>
      <Group p="sm" gap="sm">
        <Which
          label={t('drills.which')}
          value={which}
          onChange={setWhich}
          choices={[
            { value: 'all', label: t('drills.all') },
            { value: 'red', label: t('drills.red') },
          ]}
        />
        <Filter
          label={t('column.plan')}
          all={t('backups.allPlans')}
          width={180}
          value={plan}
          onChange={setPlan}
          choices={plans.map(({ plan: name }) => name)}
        />
      </Group>
      <DataTable
        label={t('drills.history')}
        columns={columns}
        items={drills.isPending ? undefined : drills.items}
        keyOf={({ id }) => id}
        empty={t('drills.empty')}
        error={drills.error}
        onRetry={() => void drills.refetch()}
        more={moreOf(drills)}
      />
    </Panel>
  );
}
