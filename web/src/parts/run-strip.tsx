import { Link } from '@tanstack/react-router';
import { usePlanDrills } from '../api/drills.ts';
import { usePlanRuns } from '../api/queries.ts';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { timeText } from '../texts/values.ts';
import { type Status, toneOf } from './status.tsx';

const SHOWN = 30;

/** The last 30 runs of a plan, oldest first. */
export function RunStrip({ plan }: { readonly plan: string }) {
  const t = useTexts();
  const runs = usePlanRuns(plan).data?.items ?? [];
  return (
    <Strip
      label={t('overview.lastRunsOf', { plan })}
      marks={runs.map(({ id, status, created_at }) => ({
        ...{ id, status, at: created_at, to: '/runs/$id', said: t(`status.${status}`) },
      }))}
    />
  );
}

/** The last 30 drills of a plan, oldest first; nothing when there was none. */
export function DrillStrip({ plan }: { readonly plan: string }) {
  const t = useTexts();
  const drills = usePlanDrills(plan).data?.items ?? [];
  if (drills.length === 0) return null;
  return (
    <Strip
      label={t('overview.lastDrillsOf', { plan })}
      marks={drills.map(({ id, result, started_at }) => ({
        ...{ id, at: started_at, to: '/drills/$id', said: t(`drill.${result}`) },
        status: result === 'green' ? 'succeeded' : 'failed',
      }))}
    />
  );
}

interface Mark {
  readonly id: string;
  readonly at: string;
  readonly to: '/runs/$id' | '/drills/$id';
  readonly status: Status;
  readonly said: string;
}

interface StripProps {
  readonly label: string;
  /** Newest first. */
  readonly marks: readonly Mark[];
}

/** Height and shape say how each ended, not colour alone. */
function Strip({ label, marks }: StripProps) {
  const language = useLanguage();
  const blanks = Math.max(0, SHOWN - marks.length);
  return (
    <nav className="strip" aria-label={label}>
      {Array.from({ length: blanks }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: blanks are all alike
        <span key={i} aria-hidden />
      ))}
      {[...marks].reverse().map(({ id, at, to, status, said }) => {
        const name = `${timeText(at, language)}: ${said}`;
        return (
          <Link key={id} to={to} params={{ id }} data-tone={toneOf(status)} aria-label={name} title={name} />
        );
      })}
    </nav>
  );
}
