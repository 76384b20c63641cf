import { Button, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { call } from '../api/client.ts';
import { type DrillAnswer, type DrillResult, useDrill } from '../api/drills.ts';
import { isUnfinished, useJob } from '../api/queries.ts';
import type { Body } from '../documents/document-kind.ts';
import { LiveProgress } from '../parts/job-progress.tsx';
import { Panel } from '../parts/panel.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { SaidProblem } from '../parts/said.tsx';
import { useTexts } from '../texts/texts.ts';
import { CheckTable } from './check-table.tsx';
import { DrillMark } from './drill-mark.tsx';

interface TrialProps {
  readonly plan: string;
  readonly checks: readonly Body[];
}

/** Tries checks on the newest backup before they are stored, and shows what each found. */
export function Trial({ plan, checks }: TrialProps) {
  const t = useTexts();
  const ask = useMutation({
    mutationFn: () => call<DrillAnswer>('/api/v1/drills', { method: 'POST', body: { plan, checks } }),
  });
  return (
    <Panel title={t('drillEdit.trial')}>
      <Stack gap="sm">
        <Text size="sm">{t('drillEdit.tryHelp')}</Text>
        <ProblemNote error={ask.error} />
        <div>
          <Button variant="default" loading={ask.isPending} onClick={() => ask.mutate()}>
            {t('drillEdit.try')}
          </Button>
        </div>
        {ask.data && <Outcome key={ask.data.job_id} jobId={ask.data.job_id} />}
      </Stack>
    </Panel>
  );
}

function Outcome({ jobId }: { readonly jobId: string }) {
  const t = useTexts();
  const job = useJob(jobId).data;
  const result = job?.result as DrillResult | null | undefined;
  const drill = useDrill(result?.drillId ?? null).data;
  if (!job) return null;
  return (
    <div aria-live="polite">
      {isUnfinished(job) && <LiveProgress job={job} />}
      {job.error && !result && <SaidProblem error={job.error} />}
      {drill && (
        <Stack gap="xs">
          <DrillMark result={drill.result} isTrial />
          {drill.failure && <SaidProblem error={drill.failure} />}
          <CheckTable checks={drill.check_results} />
          <Link to="/drills/$id" params={{ id: drill.id }} className="link">
            {t('drill.show')}
          </Link>
        </Stack>
      )}
    </div>
  );
}
