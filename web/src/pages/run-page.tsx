import { Button, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { call, codeOf } from '../api/client.ts';
import { type JobNews, useJobNews } from '../api/live.ts';
import { isUnfinished, useJob, useRefresh } from '../api/queries.ts';
import type { Job } from '../api/types.ts';
import { Waiting } from '../parts/data-table.tsx';
import { ProgressLine } from '../parts/job-progress.tsx';
import { useMay } from '../parts/may.ts';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { RunResult } from '../parts/run-result.tsx';
import { Said, SaidProblem } from '../parts/said.tsx';
import { StatusMark } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { useSaid } from '../texts/server-words.ts';
import { useTexts } from '../texts/texts.ts';

export function RunPage() {
  const { id } = useParams({ from: '/runs/$id' });
  const job = useJob(id);
  if (job.data) return <Run job={job.data} isSilent={codeOf(job.error) === 'server_unreachable'} />;
  return job.error ? <ProblemNote error={job.error} onRetry={() => void job.refetch()} /> : <Waiting />;
}

interface RunProps {
  readonly job: Job;
  /** The server does not answer right now: what is shown is what it said last. */
  readonly isSilent: boolean;
}

function Run({ job, isSilent }: RunProps) {
  const t = useTexts();
  const may = useMay();
  const refresh = useRefresh();
  const isLive = isUnfinished(job);
  const { progress, news } = useJobNews(job.id, true);
  const stop = useMutation({
    mutationFn: () => call(`/api/v1/jobs/${job.id}/cancel`, { method: 'POST', body: {} }),
    onSuccess: () => refresh('jobs'),
  });
  const title = `${t(`kind.${job.kind}`)}${job.plan ? `: ${job.plan}` : ''}`;
  return (
    <Stack gap="md">
      <PageHead title={title} text={<When at={job.created_at} />}>
        {isLive && may('jobs:cancel') && (
          <Button
            variant="default"
            loading={stop.isPending}
            disabled={job.cancel_requested_at !== null}
            onClick={() => stop.mutate()}
          >
            {t(job.cancel_requested_at ? 'job.stopping' : 'job.stop')}
          </Button>
        )}
      </PageHead>
      <ProblemNote error={stop.error} />
      {isSilent && (
        <Text size="sm" role="status" className="tone-doubt">
          {t('problem.unreachable')} {t('problem.unreachableNext')}
        </Text>
      )}
      <Panel>
        <Stack gap="sm" aria-live="polite">
          <StatusMark status={job.status} />
          {isLive && <ProgressLine progress={progress ?? job.progress} />}
          {job.error && <SaidProblem error={job.error} />}
          <Facts job={job} />
        </Stack>
      </Panel>
      {job.result !== null && job.result !== undefined && <RunResult job={job} />}
      {news.length > 0 && (
        <Panel title={t('job.events')}>
          <Stack gap={6}>
            {news.map((one) => (
              <News key={one.seq} news={one} />
            ))}
          </Stack>
        </Panel>
      )}
    </Stack>
  );
}

function Facts({ job }: { readonly job: Job }) {
  const t = useTexts();
  return (
    <dl className="facts">
      <dt>{t('column.tenant')}</dt>
      <dd>{job.tenant_id ?? t('tenant.global')}</dd>
      {job.plan && (
        <>
          <dt>{t('column.plan')}</dt>
          <dd>
            <Link to="/plans" className="link">
              {job.part ? `${job.plan}/${job.part}` : job.plan}
            </Link>
          </dd>
        </>
      )}
      {job.started_at && (
        <>
          <dt>{t('job.began')}</dt>
          <dd>
            <When at={job.started_at} />
          </dd>
        </>
      )}
      {job.finished_at && (
        <>
          <dt>{t('job.ended')}</dt>
          <dd>
            <When at={job.finished_at} />
          </dd>
        </>
      )}
      {job.attempt > 1 && (
        <>
          <dt>{t('job.attempt')}</dt>
          <dd>{t('job.attemptOf', { attempt: job.attempt, most: job.max_attempts })}</dd>
        </>
      )}
    </dl>
  );
}

const STATES = ['queued', 'running', 'succeeded', 'failed', 'skipped', 'interrupted'] as const;

function News({ news }: { readonly news: JobNews }) {
  const t = useTexts();
  const said = useSaid();
  const { status, phase, message, attempt } = news.data as Partial<Record<string, string | number>>;
  const state = STATES.find((one) => one === status);
  const again = Number(attempt) > 1 ? ` (${t('job.attempt')} ${attempt})` : '';
  const text = state ? (
    `${t(`status.${state}`)}${again}`
  ) : message ? (
    <Said text={String(message)} />
  ) : (
    said.phase(String(phase ?? status ?? ''))
  );
  return (
    <Text size="sm" className={news.kind === 'warning' ? 'tone-doubt' : ''}>
      <span className="soft">
        <When at={news.at} withSeconds />
      </span>{' '}
      {text}
    </Text>
  );
}
