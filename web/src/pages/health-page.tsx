import { Group, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useHealth } from '../api/queries.ts';
import type { Health } from '../api/types.ts';
import { useBackUp } from '../parts/back-up-now.tsx';
import { type Column, DataTable, Waiting } from '../parts/data-table.tsx';
import { useMay } from '../parts/may.ts';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
import { BackUpButton } from '../parts/plan-cells.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Said } from '../parts/said.tsx';
import { StatusMark } from '../parts/status.tsx';
import { Verdict } from '../parts/verdict.tsx';
import { When } from '../parts/when.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { durationText } from '../texts/values.ts';

type TenantHealth = Health['tenants'][number];
type PlanHealth = TenantHealth['plans'][number];

const HOUR_SECONDS = 3600;

export function HealthPage() {
  const t = useTexts();
  const health = useHealth();
  return (
    <Stack gap="md">
      <PageHead title={t('nav.health')} text={t('health.pageText')} />
      <ProblemNote error={health.error} onRetry={() => void health.refetch()} />
      {health.isPending && <Waiting />}
      {health.data && <Verdict health={health.data} />}
      {health.data?.tenants.map((tenant) => (
        <OfTenant
          key={tenant.tenant_id ?? ''}
          tenant={tenant}
          many={health.data.tenants.length > 1}
          atMs={health.dataUpdatedAt}
        />
      ))}
      {health.data?.tenants.length === 0 && <Text size="sm">{t('health.empty')}</Text>}
    </Stack>
  );
}

interface OfTenantProps {
  readonly tenant: TenantHealth;
  readonly many: boolean;
  /** When the server said so: what is given as an age becomes a time by it. */
  readonly atMs: number;
}

function OfTenant({ tenant, many, atMs }: OfTenantProps) {
  const t = useTexts();
  const language = useLanguage();
  const name = tenant.tenant_id ?? t('tenant.global');
  const columns: Column<PlanHealth>[] = [
    { label: t('column.plan'), cell: (one) => <strong>{nameOf(one)}</strong> },
    { label: t('column.status'), cell: ({ status }) => <StatusMark status={status} /> },
    {
      label: t('health.lastGood'),
      cell: ({ last_good_backup_at: at, last_good_backup_id: id }) =>
        at && id ? (
          <Link to="/backups/$id" params={{ id }}>
            <When at={at} relative />
          </Link>
        ) : (
          t('overview.never')
        ),
    },
    {
      label: t('column.every'),
      cell: ({ frequency_hours: hours }) =>
        hours === null ? t('overview.noSchedule') : durationText(hours * HOUR_SECONDS, language),
    },
    {
      label: t('column.proven'),
      cell: ({ hours_since_proven_restore: hours }) =>
        hours === null ? (
          t('overview.never')
        ) : (
          <When at={new Date(atMs - hours * HOUR_SECONDS * 1000).toISOString()} relative />
        ),
    },
    { label: t('column.next'), cell: (one) => <WhatToDo health={one} /> },
  ];
  return (
    <Panel
      flush
      title={
        <Group gap="sm">
          {many ? t('health.plansOf', { tenant: name }) : t('overview.plans')}
          <StatusMark status={tenant.status} />
        </Group>
      }
    >
      <DataTable
        label={t('health.plansOf', { tenant: name })}
        columns={columns}
        items={tenant.plans}
        keyOf={nameOf}
        empty={t('health.empty')}
      />
    </Panel>
  );
}

const nameOf = ({ plan, part }: PlanHealth) => (part ? `${plan}/${part}` : plan);

/** The reason of a warning and the two ways on; the missing proof; or nothing. */
function WhatToDo({ health }: { readonly health: PlanHealth }) {
  const t = useTexts();
  const language = useLanguage();
  const may = useMay();
  const start = useBackUp();
  const { plan, status, message, limit_hours, hours_since_proven_restore, last_good_backup_id } = health;
  if (status === 'healthy') {
    const isUnproven = hours_since_proven_restore === null && last_good_backup_id !== null;
    if (!isUnproven) return <span className="soft">{t('health.fine')}</span>;
    return (
      <>
        {t('health.drillText')} <Link to="/drills">{t('health.drill')}</Link>
      </>
    );
  }
  return (
    <Stack gap={6} align="flex-start">
      <Text size="sm">
        <Said text={message} />{' '}
        <span className="soft">
          {t('health.ageLimit', { limit: durationText(limit_hours * HOUR_SECONDS, language) })}
        </span>
      </Text>
      <Group gap="xs">
        {may('backups:trigger') && <BackUpButton plan={plan} start={start} />}
        <Link to="/runs" className="link" aria-label={t('health.runsOf', { plan })}>
          {t('health.seeRuns')}
        </Link>
      </Group>
      <ProblemNote error={start.error} />
    </Stack>
  );
}
