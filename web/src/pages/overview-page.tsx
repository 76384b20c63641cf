import { Button, Stack } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { useDrillPlans } from '../api/drills.ts';
import { isUnfinished, useBackups, useDocuments, useHealth, useJobs, useSchedule } from '../api/queries.ts';
import type { StoredDocument, UpcomingRun } from '../api/types.ts';
import { FirstKitGate } from '../keys/first-kit-gate.tsx';
import { useBackUp } from '../parts/back-up-now.tsx';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { JobTable } from '../parts/job-table.tsx';
import { useMay } from '../parts/may.ts';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
import { BackUpButton, Named } from '../parts/plan-cells.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { DrillStrip, RunStrip } from '../parts/run-strip.tsx';
import { StatusMark } from '../parts/status.tsx';
import { Verdict } from '../parts/verdict.tsx';
import { When } from '../parts/when.tsx';
import { useTexts } from '../texts/texts.ts';

export function OverviewPage() {
  const t = useTexts();
  const health = useHealth();
  return (
    <Stack gap="md">
      <PageHead title={t('nav.overview')}>
        <ToRestore />
      </PageHead>
      {health.data ? <Verdict health={health.data} /> : null}
      <ProblemNote error={health.error} onRetry={() => void health.refetch()} />
      <FirstKitGate />
      <UnderWay />
      <Plans />
      <Suspense fallback={null}>
        <Figures />
      </Suspense>
      <Recent />
    </Stack>
  );
}

/** Somebody who is woken at night looks for this. */
function ToRestore() {
  const t = useTexts();
  const may = useMay();
  const backups = useBackups({ archived: 'false' });
  if (!may('backups:restore') || backups.items.length === 0) return null;
  return <Button renderRoot={(props) => <Link to="/restore" {...props} />}>{t('overview.restore')}</Button>;
}

/** Charts come after what is looked at first. */
const Figures = lazy(async () => ({ default: (await import('../overview/figures.tsx')).Figures }));

const RECENT = 8;

function Recent() {
  const t = useTexts();
  const ended = useJobs({}).items.filter((job) => !isUnfinished(job));
  if (ended.length === 0) return null;
  return (
    <Panel
      title={t('overview.recent')}
      flush
      actions={
        <Link to="/runs" className="link small">
          {t('runs.all')}
        </Link>
      }
    >
      <JobTable label={t('overview.recent')} jobs={ended.slice(0, RECENT)} />
    </Panel>
  );
}

/** Only while something runs: a quiet installation has no empty box. */
function UnderWay() {
  const t = useTexts();
  const running = useJobs({}).items.filter(isUnfinished);
  if (running.length === 0) return null;
  return (
    <Panel title={t('overview.underWay')} flush>
      <JobTable label={t('overview.underWay')} jobs={running} />
    </Panel>
  );
}

function Plans() {
  const t = useTexts();
  const may = useMay();
  const plans = useDocuments('plans');
  const health = useHealth().data?.tenants.flatMap((tenant) => tenant.plans) ?? [];
  const next = useSchedule().data?.items ?? [];
  const drills = useDrillPlans().data?.items ?? [];
  const start = useBackUp();
  const ofPlan = ({ name }: StoredDocument) => health.find(({ plan }) => plan === name);
  const columns: Column<StoredDocument>[] = [
    {
      label: t('column.plan'),
      cell: ({ name, tenant_id }) => <Named name={name} tenant={tenant_id} />,
    },
    {
      label: t('column.status'),
      cell: ({ name }) => <PlanState parts={health.filter(({ plan }) => plan === name)} />,
    },
    {
      label: t('overview.lastRuns'),
      cell: ({ name }) => (
        <Stack gap={4}>
          <RunStrip plan={name} />
          <DrillStrip plan={name} />
        </Stack>
      ),
    },
    {
      label: t('overview.lastBackup'),
      cell: (plan) => {
        const last = ofPlan(plan);
        if (!last?.last_good_backup_at || !last.last_good_backup_id) return t('overview.never');
        return (
          <Link to="/backups/$id" params={{ id: last.last_good_backup_id }}>
            <When at={last.last_good_backup_at} relative />
          </Link>
        );
      },
    },
    {
      label: t('overview.nextRun'),
      cell: ({ name }) => {
        const runs = nextOfEach(next.filter(({ kind, plan }) => kind === 'backup' && plan === name));
        const drill = drills.find(({ plan }) => plan === name)?.next_due_at;
        return (
          <>
            {runs.length === 0 && t('overview.noSchedule')}
            {runs.map(({ part, due_at }) => (
              <div key={part ?? ''}>
                {part && <span className="soft">{part}</span>} <When at={due_at} relative />
              </div>
            ))}
            {drill && (
              <div className="soft">
                {t('overview.nextDrill')} <When at={drill} relative />
              </div>
            )}
          </>
        );
      },
    },
    ...(may('backups:trigger')
      ? [
          {
            label: t('column.action'),
            cell: ({ name }: StoredDocument) => <BackUpButton plan={name} start={start} />,
          },
        ]
      : []),
  ];
  return (
    <Panel title={t('overview.plans')} flush>
      <ProblemNote error={start.error} />
      <DataTable
        label={t('overview.plans')}
        columns={columns}
        items={plans.data?.items}
        keyOf={({ id }) => id}
        empty={t('document.empty')}
        error={plans.error}
        onRetry={() => void plans.refetch()}
      />
    </Panel>
  );
}

/** The first of the plan itself, and of each of its databases with an hour of its own; they come in order of time. */
const nextOfEach = (runs: readonly UpcomingRun[]) =>
  runs.filter(({ part }, i) => runs.findIndex((one) => one.part === part) === i);

/** Of a plan and its databases with hours of their own: as bad as the worst of them. */
function PlanState({ parts }: { readonly parts: readonly { readonly status: 'healthy' | 'warning' }[] }) {
  if (parts.length === 0) return null;
  return <StatusMark status={parts.some(({ status }) => status === 'warning') ? 'warning' : 'healthy'} />;
}
