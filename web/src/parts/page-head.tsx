import { Group, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';
import { useLanguage } from '../texts/texts.ts';
import { timeText } from '../texts/values.ts';
import { WithTime } from './with-time.tsx';

interface PageHeadProps {
  readonly title: string;
  /** What fills `{when}` in the title. */
  readonly at?: string;
  readonly text?: ReactNode;
  readonly children?: ReactNode;
}

/** The name of the page, in the page and in the browser's own list. */
export function PageHead({ title, at, text, children }: PageHeadProps) {
  const language = useLanguage();
  useEffect(() => {
    document.title = `${at ? title.replace('{when}', timeText(at, language)) : title} · Holdfast`;
  }, [title, at, language]);
  return (
    <Group justify="space-between" align="flex-end" gap="sm">
      <div>
        <Title order={1} size="h2">
          {at ? <WithTime text={title} at={at} /> : title}
        </Title>
        {text && (
          <Text size="sm" className="soft">
            {text}
          </Text>
        )}
      </div>
      {children && <Group gap="xs">{children}</Group>}
    </Group>
  );
}
