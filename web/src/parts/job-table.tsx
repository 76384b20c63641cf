import { Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { Job } from '../api/types.ts';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { durationText, sizeText } from '../texts/values.ts';
import { type Column, DataTable } from './data-table.tsx';
import { LiveProgress } from './job-progress.tsx';
import { SaidLine } from './said.tsx';
import { StatusMark } from './status.tsx';
import { When } from './when.tsx';

interface JobTableProps {
  readonly label: string;
  readonly jobs: readonly Job[] | undefined;
  readonly error?: unknown;
  readonly more?: Parameters<typeof DataTable>[0]['more'];
}

export function JobTable({ label, jobs, error, more }: JobTableProps) {
  const t = useTexts();
  const language = useLanguage();
  const columns: Column<Job>[] = [
    {
      label: t('column.time'),
      cell: ({ id, created_at }) => (
        <Link to="/runs/$id" params={{ id }}>
          <When at={created_at} />
        </Link>
      ),
    },
    { label: t('column.kind'), cell: ({ kind }) => t(`kind.${kind}`) },
    { label: t('column.plan'), cell: ({ plan, part }) => (part ? `${plan}/${part}` : (plan ?? '–')) },
    { label: t('column.tenant'), cell: ({ tenant_id }) => tenant_id ?? t('tenant.global') },
    { label: t('column.status'), cell: ({ status }) => <StatusMark status={status} /> },
    {
      label: t('column.result'),
      cell: (job) =>
        job.error ? (
          <Text size="sm" lineClamp={2}>
            <SaidLine error={job.error} />
          </Text>
        ) : (
          <>
            <LiveProgress job={job} />
            <Numbers job={job} />
          </>
        ),
    },
    {
      label: t('column.duration'),
      isNumber: true,
      cell: ({ started_at, finished_at }) =>
        started_at && finished_at
          ? durationText((Date.parse(finished_at) - Date.parse(started_at)) / 1000, language)
          : '',
    },
  ];
  return (
    <DataTable
      label={label}
      columns={columns}
      items={jobs}
      keyOf={({ id }) => id}
      empty={t('runs.empty')}
      error={error}
      {...(more ? { more } : {})}
    />
  );
}

/** What a run came to, as far as it can be said in one line. */
function Numbers({ job }: { readonly job: Job }) {
  const t = useTexts();
  const language = useLanguage();
  const { backups, restored } = (job.result ?? {}) as {
    readonly backups?: readonly { readonly bytesRead: number; readonly bytesStored: number }[];
    readonly restored?: readonly { readonly sizeBytes: number }[];
  };
  const sum = (values: readonly number[] | undefined) =>
    (values ?? []).reduce((total, one) => total + one, 0);
  if (job.kind === 'backup' && backups) {
    const read = sizeText(sum(backups.map(({ bytesRead }) => bytesRead)), language);
    const stored = sizeText(sum(backups.map(({ bytesStored }) => bytesStored)), language);
    return t('job.numbers', { read, stored });
  }
  if (job.kind === 'restore' && restored) {
    const bytes = sizeText(sum(restored.map(({ sizeBytes }) => sizeBytes)), language);
    return t('job.numbersRestore', { count: restored.length, bytes });
  }
  return null;
}
