import { Progress, Text } from '@mantine/core';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { sizeText } from '../texts/values.ts';
import type { SendProgress } from './send-bundle.ts';

/** How much of a file is sent, and whether the server is being waited for. */
export function Sending({ file, progress }: { readonly file: File; readonly progress: SendProgress }) {
  const t = useTexts();
  const language = useLanguage();
  const done = sizeText(progress.sent, language);
  const share = file.size === 0 ? 100 : (progress.sent / file.size) * 100;
  return (
    <div>
      <Text size="xs" className="soft" role="status">
        {progress.isWaiting
          ? t('bundle.waiting', { done })
          : t('job.ofTotal', { done, total: sizeText(file.size, language) })}
      </Text>
      <Progress value={share} size="sm" aria-label={t('setup.uploading')} />
    </div>
  );
}
