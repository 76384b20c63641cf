import './entrance.css';
import { Group, Paper, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';
import { Mark } from '../frame/brand.tsx';
import { LanguageSwitch, SchemeSwitch } from '../frame/side-bar.tsx';

interface EntranceProps {
  readonly title: string;
  readonly text?: string;
  /** For what needs more room than a login. */
  readonly isWide?: boolean;
  readonly children: ReactNode;
}

/** What somebody sees who is not logged in. */
export function Entrance({ title, text, isWide = false, children }: EntranceProps) {
  useEffect(() => {
    document.title = `${title} · Holdfast`;
  }, [title]);
  return (
    <div className="entrance">
      <main data-wide={isWide || undefined}>
        <Group justify="space-between" mb="md">
          <span className="brand">
            <Mark size={30} />
            Holdfast
          </span>
          <Group gap={4}>
            <LanguageSwitch />
            <SchemeSwitch />
          </Group>
        </Group>
        <Paper withBorder p="lg">
          <Stack gap="sm">
            <Title order={1} size="h3">
              {title}
            </Title>
            {text && <Text size="sm">{text}</Text>}
            {children}
          </Stack>
        </Paper>
      </main>
    </div>
  );
}
