import { Group, Stack } from '@mantine/core';
import { useState } from 'react';
import { useDocuments, useJobs } from '../api/queries.ts';
import { moreOf } from '../parts/data-table.tsx';
import { JobTable } from '../parts/job-table.tsx';
import { Filter } from '../parts/list-filters.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
import { useTexts } from '../texts/texts.ts';

const KINDS = [
  'backup',
  'restore',
  'verify',
  'drill',
  'rotate',
  'prune',
  'replicate',
  'table-retention',
] as const;
const STATES = ['queued', 'running', 'succeeded', 'failed', 'skipped', 'interrupted'] as const;

export function RunsPage() {
  const t = useTexts();
  const [kind, setKind] = useState<string | null>(null);
  const [status, setStatus] = useState<string | null>(null);
  const [plan, setPlan] = useState<string | null>(null);
  const plans = useDocuments('plans').data?.items ?? [];
  const jobs = useJobs({ kind: kind ?? undefined, status: status ?? undefined, plan: plan ?? undefined });
  return (
    <Stack gap="md">
      <PageHead title={t('nav.jobs')} text={t('runs.text')} />
      <Panel
        flush
        title={t('runs.all')}
        actions={
          <Group gap="xs">
            <Filter
              label={t('column.kind')}
              all={t('column.kind')}
              width={140}
              value={kind}
              onChange={setKind}
              choices={KINDS.map((value) => ({ value, label: t(`kind.${value}`) }))}
            />
            <Filter
              label={t('column.status')}
              all={t('column.status')}
              width={140}
              value={status}
              onChange={setStatus}
              choices={STATES.map((value) => ({ value, label: t(`status.${value}`) }))}
            />
            <Filter
              label={t('column.plan')}
              all={t('column.plan')}
              width={140}
              value={plan}
              onChange={setPlan}
              choices={plans.map(({ name }) => ({ value: name, label: name }))}
            />
          </Group>
        }
      >
        <JobTable
          label={t('nav.jobs')}
          jobs={jobs.isPending ? undefined : jobs.items}
          error={jobs.error}
          more={moreOf(jobs)}
        />
      </Panel>
    </Stack>
  );
}
