import { Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { DrillResult } from '../api/drills.ts';
import type { Job } from '../api/types.ts';
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
interface Restored {
  readonly backupId: string;
  readonly durationMs: number;
  readonly restored: readonly { item: string; target: string; sizeBytes: number }[];
  readonly warnings: readonly string[];
}

/** What came of a run. Of kinds that have no view of their own, the plain answer. */
export function RunResult({ job }: { readonly job: Job }) {
  const t = useTexts();
  const result = job.result as { backups?: readonly Made[] } & Partial<Restored> & Partial<DrillResult>;
  return (
    <Panel title={t('job.result')}>
      {result.backups ? (
        <Stack gap="sm">
          {result.backups.map((made) => (
            <MadeBackup key={made.backupId} made={made} />
          ))}
        </Stack>
      ) : result.drillId ? (
        <Drilled result={result as DrillResult} />
      ) : result.restored ? (
        <RestoredItems result={result as Restored} />
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

function RestoredItems({ result }: { readonly result: Restored }) {
  const t = useTexts();
  const language = useLanguage();
  return (
    <Stack gap={4}>
      <Text size="sm" fw={600}>
        {t('restore.done', {
          count: result.restored.length,
          time: durationText(result.durationMs / 1000, language),
        })}
      </Text>
      {result.restored.map(({ item, target, sizeBytes }) => (
        <Text size="sm" key={`${item} ${target}`}>
          <span className="code">{item}</span> → <span className="code">{target}</span>{' '}
          <span className="soft">{sizeText(sizeBytes, language)}</span>
        </Text>
      ))}
      {result.warnings.map((warning) => (
        <Text size="sm" className="tone-doubt" key={warning}>
          {warning}
        </Text>
      ))}
    </Stack>
  );
}
