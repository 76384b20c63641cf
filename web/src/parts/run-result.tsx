import { Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { DrillResult } from '../api/drills.ts';
import type { RestoreResult, TenantResult } from '../api/restores.ts';
import { thinnedBy } from '../api/tables.ts';
import type { Job } from '../api/types.ts';
import { RestoredItems, SafetyBackup } from '../restore/restore-result.tsx';
import { TenantRows } from '../restore/tenant-plan.tsx';
import { Thinned } from '../tables/thinned.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { durationText, sizeText } from '../texts/values.ts';
import { Panel } from './panel.tsx';

interface Made {
  readonly backupId: string;
  readonly bytesRead: number;
  readonly bytesStored: number;
  readonly durationMs: number;
  readonly destination: string;
  readonly missingCopies: readonly string[];
}
/** What a switch back came to. */
interface Switched {
  readonly target: string;
  readonly keptAt: string;
  readonly isThere: boolean | null;
}

/** What came of a run. Of kinds that have no view of their own, the plain answer. */
export function RunResult({ job }: { readonly job: Job }) {
  const t = useTexts();
  const result = job.result as { backups?: readonly Made[] } & Partial<
    RestoreResult & DrillResult & TenantResult & Switched
  >;
  const thinned = thinnedBy(job);
  return (
    <Panel title={t('job.result')}>
      {thinned ? (
        <Thinned of={thinned} />
      ) : result.backups ? (
        <Stack gap="sm">
          {result.backups.map((made) => (
            <MadeBackup key={made.backupId} made={made} />
          ))}
        </Stack>
      ) : result.drillId ? (
        <Drilled result={result as DrillResult} />
      ) : result.restored ? (
        <RestoredItems result={result as RestoreResult} />
      ) : result.plan ? (
        <Stack gap="sm">
          <TenantRows result={result as TenantResult} />
          <SafetyBackup id={result.safetyBackupId ?? null} />
        </Stack>
      ) : result.keptAt && result.target ? (
        <Stack gap={4}>
          <Text size="sm" fw={600}>
            {t('ways.done', { target: result.target })}
          </Text>
          {result.isThere !== false && <Text size="sm">{t('restore.keptAt', { where: result.keptAt })}</Text>}
        </Stack>
      ) : (
        <pre className="code" style={{ margin: 0, whiteSpace: 'pre-wrap' }}>
          {JSON.stringify(job.result, null, 2)}
        </pre>
      )}
    </Panel>
  );
}

function Drilled({ result: { drillId, result, rtoMs } }: { readonly result: DrillResult }) {
  const t = useTexts();
  const language = useLanguage();
  const rto = rtoMs === null ? '–' : durationText(rtoMs / 1000, language);
  return (
    <Text size="sm">
      {t('drill.result', { result: t(`drill.${result}`), rto })}{' '}
      <Link to="/drills/$id" params={{ id: drillId }} className="link">
        {t('drill.show')}
      </Link>
    </Text>
  );
}

function MadeBackup({ made }: { readonly made: Made }) {
  const t = useTexts();
  const language = useLanguage();
  const { backupId, bytesRead, bytesStored, durationMs, destination, missingCopies } = made;
  return (
    <div>
      <Text size="sm">
        {t('job.madeBackup', {
          read: sizeText(bytesRead, language),
          stored: sizeText(bytesStored, language),
          where: destination,
          time: durationText(durationMs / 1000, language),
        })}{' '}
        <Link to="/backups/$id" params={{ id: backupId }} className="link">
          {t('job.showBackup')}
        </Link>
      </Text>
      {missingCopies.length > 0 && (
        <Text size="sm" className="tone-doubt">
          {t('job.missingCopies', { names: missingCopies.join(', ') })}
        </Text>
      )}
    </div>
  );
}
