import { Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { RestoreResult } from '../api/restores.ts';
import { Said } from '../parts/said.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { durationText, sizeText } from '../texts/values.ts';

/** What was put back where, what was kept, and the way back. */
export function RestoredItems({ result }: { readonly result: RestoreResult }) {
  const t = useTexts();
  const language = useLanguage();
  const { restored, durationMs, kept = [], safetyBackupId = null, warnings } = result;
  return (
    <Stack gap={4}>
      <Text size="sm" fw={600}>
        {t('restore.done', { count: restored.length, time: durationText(durationMs / 1000, language) })}
      </Text>
      {restored.map(({ item, target, sizeBytes }) => (
        <Text size="sm" key={`${item} ${target}`}>
          <span className="code">{item}</span> → <span className="code">{target}</span>{' '}
          <span className="soft">{sizeText(sizeBytes, language)}</span>
        </Text>
      ))}
      <SafetyBackup id={safetyBackupId} />
      {kept.map(({ target, keptAt }) => (
        <Text size="sm" key={target}>
          {t('restore.keptAt', { where: keptAt })}{' '}
          <Link to="/restore" className="link">
            {t('restore.waysBack')}
          </Link>
        </Text>
      ))}
      {warnings.map((warning) => (
        <Text size="sm" className="tone-doubt" key={warning}>
          <Said text={warning} />
        </Text>
      ))}
    </Stack>
  );
}

export function SafetyBackup({ id }: { readonly id: string | null }) {
  const t = useTexts();
  if (id === null) return null;
  return (
    <Text size="sm">
      {t('restore.safetyMade')}{' '}
      <Link to="/backups/$id" params={{ id }} className="link">
        {t('restore.showSafety')}
      </Link>
    </Text>
  );
}
