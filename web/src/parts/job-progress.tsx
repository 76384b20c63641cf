import { Group, Progress, Stack, Text } from '@mantine/core';
import { useJobNews } from '../api/live.ts';
import { isUnfinished } from '../api/queries.ts';
import type { Job, JobProgress } from '../api/types.ts';
import { useSaid } from '../texts/server-words.ts';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { durationText, sizeText } from '../texts/values.ts';

/** How far a job is: phase, bytes, rate and time left. Nothing when it neither runs nor has said anything yet. */
export function ProgressLine({ progress }: { readonly progress: JobProgress | null }) {
  const t = useTexts();
  const language = useLanguage();
  const said = useSaid();
  if (!progress) return null;
  const phase = said.phase(progress.phase);
  const { bytes_done, bytes_total, bytes_per_second, seconds_left } = progress;
  const share = bytes_total ? Math.min(100, (bytes_done / bytes_total) * 100) : null;
  const parts = [
    bytes_total
      ? t('job.ofTotal', { done: sizeText(bytes_done, language), total: sizeText(bytes_total, language) })
      : sizeText(bytes_done, language),
    bytes_per_second ? t('job.rate', { rate: sizeText(bytes_per_second, language) }) : null,
    seconds_left ? t('job.left', { time: durationText(seconds_left, language) }) : null,
  ];
  return (
    <Stack gap={4} miw={160}>
      <Group justify="space-between" gap="xs">
        <Text size="xs">{phase}</Text>
        <Text size="xs" className="soft">
          {parts.filter((part) => part !== null).join(' · ')}
        </Text>
      </Group>
      {share === null ? (
        // Without a total nothing is told as a share, neither to the eye nor to a screen reader.
        <Progress.Root size="sm">
          <Progress.Section
            value={100}
            striped
            opacity={0.5}
            withAria={false}
            role="progressbar"
            aria-label={phase}
          />
        </Progress.Root>
      ) : (
        <Progress value={share} size="sm" aria-label={phase} />
      )}
    </Stack>
  );
}

/** The same, live, while the job is under way. */
export function LiveProgress({ job }: { readonly job: Pick<Job, 'id' | 'status' | 'progress'> }) {
  const isLive = isUnfinished(job);
  const { progress } = useJobNews(job.id, isLive);
  return isLive ? <ProgressLine progress={progress ?? job.progress} /> : null;
}
