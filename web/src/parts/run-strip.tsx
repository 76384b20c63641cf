import { Link } from '@tanstack/react-router';
import { usePlanRuns } from '../api/queries.ts';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { timeText } from '../texts/values.ts';
import { toneOf } from './status.tsx';

const SHOWN = 30;

/** The last 30 runs of a plan, oldest first; height and shape say how each ended, not colour alone. */
export function RunStrip({ plan }: { readonly plan: string }) {
  const t = useTexts();
  const language = useLanguage();
  const runs = [...(usePlanRuns(plan).data?.items ?? [])].reverse();
  const blanks = Math.max(0, SHOWN - runs.length);
  return (
    <nav className="strip" aria-label={t('overview.lastRunsOf', { plan })}>
      {Array.from({ length: blanks }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: blanks are all alike
        <span key={i} aria-hidden />
      ))}
      {runs.map((run) => {
        const name = `${timeText(run.created_at, language)}: ${t(`status.${run.status}`)}`;
        return (
          <Link
            key={run.id}
            to="/runs/$id"
            params={{ id: run.id }}
            data-tone={toneOf(run.status)}
            aria-label={name}
            title={name}
          />
        );
      })}
    </nav>
  );
}
