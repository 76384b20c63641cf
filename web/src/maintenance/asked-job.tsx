import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../api/client.ts';
import { useJob, useRefresh } from '../api/queries.ts';
import { LiveProgress } from '../parts/job-progress.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { SaidLine } from '../parts/said.tsx';
import { StatusMark } from '../parts/status.tsx';
import { useTexts } from '../texts/texts.ts';

export interface Asked {
  /** Null while nothing was asked for. */
  readonly jobId: string | null;
  readonly error: unknown;
  readonly isPending: boolean;
  /** Rejects when the server refused. */
  ask(path: string, body?: unknown): Promise<void>;
}

/** The last job that was asked for about one plan or destination. */
export function useAsked(): Asked {
  const refresh = useRefresh();
  const [jobId, setJobId] = useState<string | null>(null);
  const asking = useMutation({
    mutationFn: ({ path, body }: { path: string; body: unknown }) =>
      call<{ job_id: string }>(path, { method: 'POST', body }),
    onSuccess({ job_id }) {
      setJobId(job_id);
      void refresh('jobs');
    },
  });
  return {
    ...{ jobId, error: asking.error, isPending: asking.isPending },
    ask: async (path, body = {}) => void (await asking.mutateAsync({ path, body })),
  };
}

interface AskButtonProps {
  readonly label: string;
  readonly name: string;
  readonly asked: Asked;
  readonly path: string;
  readonly body?: unknown;
}

/** Asks for a job at once. */
export function AskButton({ label, name, asked, path, body }: AskButtonProps) {
  return (
    <Button
      variant="default"
      size="xs"
      aria-label={name}
      disabled={asked.isPending}
      onClick={() => void asked.ask(path, body).catch(() => {})}
    >
      {label}
    </Button>
  );
}

/** What became of what was asked for. */
export function AskedOutcome({ asked }: { readonly asked: Asked }) {
  return (
    <div aria-live="polite">
      <ProblemNote error={asked.error} />
      {asked.jobId && <JobOutcome id={asked.jobId} />}
    </div>
  );
}

function JobOutcome({ id }: { readonly id: string }) {
  const t = useTexts();
  const job = useJob(id).data;
  if (!job) return null;
  return (
    <>
      <StatusMark status={job.status} label={`${t(`kind.${job.kind}`)}: ${t(`status.${job.status}`)}`} />
      <LiveProgress job={job} />
      {job.error && (
        <div className="small">
          <SaidLine error={job.error} />
        </div>
      )}
      <Link to="/runs/$id" params={{ id }} className="link small">
        {t('maintenance.showRun')}
      </Link>
    </>
  );
}
