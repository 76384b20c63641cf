import { Button, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { call } from '../api/client.ts';
import { isUnfinished, useJob } from '../api/queries.ts';
import type { RestoreWanted, TenantResult } from '../api/restores.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { LiveProgress } from '../parts/job-progress.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Said, SaidProblem } from '../parts/said.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { numberText } from '../texts/values.ts';

/** Counts the rows of a tenant that would change. The dump is loaded aside for that, so somebody asks for it. */
export function TenantPreview({ wanted }: { readonly wanted: RestoreWanted }) {
  const t = useTexts();
  const ask = useMutation({
    mutationFn: () =>
      call<{ job_id: string }>('/api/v1/restores', {
        method: 'POST',
        body: { ...wanted, plan_only: true, confirm_restore: true },
      }),
  });
  return (
    <Stack gap="sm" mt="sm">
      <ProblemNote error={ask.error} />
      <div>
        <Button variant="default" size="xs" loading={ask.isPending} onClick={() => ask.mutate()}>
          {t('tenantPlan.find')}
        </Button>
      </div>
      {ask.data && <Found key={ask.data.job_id} jobId={ask.data.job_id} />}
    </Stack>
  );
}

function Found({ jobId }: { readonly jobId: string }) {
  const job = useJob(jobId).data;
  if (!job) return null;
  return (
    <div aria-live="polite">
      {isUnfinished(job) && <LiveProgress job={job} />}
      {job.error && <SaidProblem error={job.error} />}
      {job.result ? <TenantRows result={job.result as TenantResult} /> : null}
    </div>
  );
}

type Row = TenantResult['plan']['tables'][number];
const COUNTS = ['deletes', 'inserts', 'updates', 'unchanged'] as const;

/** Rows of one tenant, table by table. */
export function TenantRows({ result: { applied, plan } }: { readonly result: TenantResult }) {
  const t = useTexts();
  const language = useLanguage();
  const columns: Column<Row>[] = [
    { label: t('tenantPlan.table'), cell: ({ table }) => <span className="code">{table}</span> },
    ...COUNTS.map((name) => ({
      label: t(`tenantPlan.${name}`),
      isNumber: true,
      cell: (row: Row) => numberText(row[name], language),
    })),
  ];
  return (
    <Stack gap={4}>
      <Text size="sm" fw={600}>
        {applied ? t('tenantPlan.applied', { tenant: plan.tenant }) : t('tenantPlan.onlyPlanned')}
      </Text>
      <DataTable
        label={t('tenantPlan.title')}
        columns={columns}
        items={plan.tables}
        keyOf={({ table }) => table}
        empty={t('tenantPlan.none')}
      />
      {[...plan.conflicts, ...plan.notes].map((note) => (
        <Text size="sm" className="tone-doubt" key={note}>
          <Said text={note} />
        </Text>
      ))}
    </Stack>
  );
}
