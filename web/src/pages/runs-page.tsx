import { Group, Select, Stack } from '@mantine/core';
import { useState } from 'react';
import { useDocuments, useJobs } from '../api/queries.ts';
import { moreOf } from '../parts/data-table.tsx';
import { JobTable } from '../parts/job-table.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
import { useTexts } from '../texts/texts.ts';

const KINDS = ['backup', 'restore', 'verify', 'drill', 'rotate', 'prune', 'replicate'] as const;
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
            <Filter label={t('column.kind')} value={kind} onChange={setKind}>
              {KINDS.map((value) => ({ value, label: t(`kind.${value}`) }))}
            </Filter>
            <Filter label={t('column.status')} value={status} onChange={setStatus}>
              {STATES.map((value) => ({ value, label: t(`status.${value}`) }))}
            </Filter>
            <Filter label={t('column.plan')} value={plan} onChange={setPlan}>
              {plans.map(({ name }) => ({ value: name, label: name }))}
            </Filter>
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

interface FilterProps {
  readonly label: string;
  readonly value: string | null;
  readonly onChange: (value: string | null) => void;
  readonly children: { value: string; label: string }[];
}

function Filter({ label, value, onChange, children }: FilterProps) {
  return (
    <Select
      size="xs"
      w={140}
      aria-label={label}
      placeholder={label}
      clearable
      clearButtonProps={{ 'aria-label': label }}
      data={children}
      value={value}
      onChange={onChange}
    />
  );
}
