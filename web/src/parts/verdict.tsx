import { Button, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Health } from '../api/types.ts';
import { useTexts } from '../texts/texts.ts';
import { IconAlertTriangle, IconCircleCheck } from './icons.ts';
import { useMay } from './may.ts';
import { Said } from './said.tsx';
import { WithTime } from './with-time.tsx';

const HOUR_MS = 3_600_000;

/** The one sentence: can everything be recovered, and if not, what is wrong and what to do. */
export function Verdict({ health }: { readonly health: Health }) {
  const t = useTexts();
  const may = useMay();
  const all = health.tenants.flatMap((tenant) => tenant.plans);
  // Healthy without any backup is only what its owner switched off: it promises nothing.
  const plans = all.filter((plan) => plan.status === 'warning' || plan.last_good_backup_at !== null);
  const wrong = plans.filter(({ status }) => status === 'warning');
  if (plans.length === 0) {
    return (
      <Sentence tone="doubt" text={t('health.nothing')}>
        <Text size="sm">{t('health.nothingNext')}</Text>
        {may('plans:write') && (
          <Button renderRoot={(props) => <Link to="/plans" {...props} />} mt="sm" size="sm">
            {t('health.start')}
          </Button>
        )}
      </Sentence>
    );
  }
  if (wrong.length > 0) {
    return (
      <Sentence tone="bad" text={t('health.warning')}>
        {wrong.map(({ plan, part, message }) => (
          <Text size="sm" key={`${plan}/${part}`}>
            <strong>{part ? `${plan}/${part}` : plan}</strong>: <Said text={message} />
          </Text>
        ))}
        <Text size="sm" mt={4}>
          {t('health.warningNext')}{' '}
          <Link to="/runs" className="link">
            {t('health.seeRuns')}
          </Link>
        </Text>
      </Sentence>
    );
  }
  const proofs = plans.map(({ hours_since_proven_restore: hours }) => hours);
  if (proofs.some((hours) => hours === null)) {
    return (
      <Sentence tone="doubt" text={t('health.unproven')}>
        <Text size="sm">
          {t('health.unprovenNext')}{' '}
          <Link to="/drills" className="link">
            {t('nav.drills')}
          </Link>
        </Text>
      </Sentence>
    );
  }
  const oldest = Math.max(...proofs.map((hours) => hours ?? 0));
  const at = new Date(Date.now() - oldest * HOUR_MS).toISOString();
  return <Sentence tone="good" text={<WithTime text={t('health.goodProven')} at={at} relative />} />;
}

interface SentenceProps {
  readonly tone: 'good' | 'bad' | 'doubt';
  readonly text: ReactNode;
  readonly children?: ReactNode;
}

function Sentence({ tone, text, children }: SentenceProps) {
  const Shape = tone === 'good' ? IconCircleCheck : IconAlertTriangle;
  return (
    <section className="panel verdict" data-tone={tone} aria-live="polite" data-testid="verdict">
      <Shape size={30} aria-hidden className={`tone-${tone}`} style={{ flex: 'none' }} />
      <div>
        <h2 className="verdict-sentence">{text}</h2>
        {children}
      </div>
    </section>
  );
}
