import { Stack } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useJob } from '../api/queries.ts';
import { type RetainedTable, thinnedBy } from '../api/tables.ts';
import { LiveProgress } from '../parts/job-progress.tsx';
import { NextStep, SaidLine } from '../parts/said.tsx';
import { StatusMark } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { useTexts } from '../texts/texts.ts';
import { Thinned } from './thinned.tsx';

/** How the last run of a table ended, or how far it is. */
export function LastRun({ of: last }: { readonly of: RetainedTable['last_job'] }) {
  const t = useTexts();
  return (
    // There from the beginning, so that what comes is read out.
    <div aria-live="polite">
      {last ? <Run id={last.id} /> : <span className="soft">{t('tables.never')}</span>}
    </div>
  );
}

function Run({ id }: { readonly id: string }) {
  const t = useTexts();
  const job = useJob(id).data;
  if (!job) return null;
  const thinned = thinnedBy(job);
  return (
    <Stack gap={4} className="ends">
      <StatusMark status={job.status} />
      {job.finished_at && (
        <div className="soft small">
          <When at={job.finished_at} relative />
        </div>
      )}
      <LiveProgress job={job} />
      {thinned && <Thinned of={thinned} />}
      {job.error && (
        <div className="small">
          <SaidLine error={job.error} />
          <NextStep error={job.error} />
        </div>
      )}
      <Link to="/runs/$id" params={{ id }} className="link small">
        {t('maintenance.showRun')}
      </Link>
    </Stack>
  );
}
