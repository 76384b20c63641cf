import { Alert, Stack, Text } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { BackupContent } from '../api/content.ts';
import type { RestorePlan } from '../api/restores.ts';
import { Waiting } from '../parts/data-table.tsx';
import { IconAlertTriangle } from '../parts/icons.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Said } from '../parts/said.tsx';
import { WithTime } from '../parts/with-time.tsx';
import { type Language, type Translate, useLanguage, useTexts } from '../texts/texts.ts';
import { numberText, sizeText } from '../texts/values.ts';
import type { Draft } from './restore-draft.ts';

interface PlanProps {
  readonly backup: BackupContent;
  readonly draft: Draft;
  /** Whether everything that a plan needs is said. */
  readonly isAsked: boolean;
  readonly plan: UseQueryResult<RestorePlan>;
}

/** What will happen, in words and numbers, as the server sees it now. */
export function PlanOfRestore({ backup, draft, isAsked, plan }: PlanProps) {
  const t = useTexts();
  const language = useLanguage();
  if (!isAsked) return <Text size="sm">{t('restore.planWaits')}</Text>;
  if (plan.error) return <ProblemNote error={plan.error} onRetry={() => void plan.refetch()} />;
  if (!plan.data) return <Waiting />;
  const { steps, there, replaces, safety_backup, obstacles, from, mode, target } = plan.data;
  const isTenant = draft.kind === 'tenant';
  const losses = [
    ...(safety_backup ? [] : [t('restore.willNotBackUp')]),
    ...(mode === 'replace' ? [t('restore.willNotKeep')] : []),
  ];
  return (
    <Stack gap="sm" aria-live="polite">
      <ul className="plan-list">
        {steps.map((step) => (
          <li key={`${step.item} ${step.target}`}>{stepText(step, t, language)}</li>
        ))}
        {isTenant && <li>{t('restore.willTenant', { tenant: draft.tenant.trim() })}</li>}
        <li>
          {thereText(there, t, language)} {there.more && t('restore.nowMore')}
        </li>
        <li>{t('restore.planFrom', { names: from })}</li>
        {replaces && safety_backup && <li>{t('restore.willBackUp')}</li>}
        {replaces && mode === 'safe' && !isTenant && <li>{t('restore.willSafe')}</li>}
        <li>{t('restore.planChecks')}</li>
      </ul>
      {replaces && !isTenant && (
        <Warning
          color="red"
          title={<WithTime text={t('restore.willReplace', { where: target })} at={backup.timestamp} />}
        >
          {losses.length > 0 && losses.join(' ')}
        </Warning>
      )}
      {backup.status === 'incomplete' && <Warning color="orange" title={t('restore.planIncomplete')} />}
      {obstacles.length > 0 && (
        <Warning color="red" title={t('restore.obstacles')}>
          {obstacles.map((one) => (
            <div key={one}>
              <Said text={one} />
            </div>
          ))}
        </Warning>
      )}
    </Stack>
  );
}

interface WarningProps {
  readonly color: string;
  readonly title: React.ReactNode;
  readonly children?: React.ReactNode;
}

const Warning = ({ color, title, children }: WarningProps) => (
  <Alert variant="outline" color={color} icon={<IconAlertTriangle aria-hidden />} title={title}>
    {children}
  </Alert>
);

function stepText(step: RestorePlan['steps'][number], t: Translate, language: Language): string {
  const { item, size_bytes, target, rows, tables } = step;
  const values = { item, size: sizeText(size_bytes, language), where: target };
  if (rows === null || tables === null) return t('restore.step', values);
  const numbers = { rows: numberText(rows, language), tables: numberText(tables, language) };
  return t('restore.stepRows', { ...values, ...numbers });
}

function thereText(there: RestorePlan['there'], t: Translate, language: Language): string {
  const number = (value: number | null) => numberText(value, language);
  const size = sizeText(there.size_bytes, language);
  if (there.kind === 'nothing') return t('restore.nowNothing');
  if (there.kind === 'file') return t('restore.nowFile', { size });
  if (there.kind === 'folder') return t('restore.nowFolder', { size, entries: number(there.entries) });
  const tables = number(there.tables);
  if (there.rows === null) return t('restore.nowUncounted', { size, tables });
  return t('restore.nowDatabase', { size, tables, rows: number(there.rows) });
}
