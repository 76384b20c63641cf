import { Button, Group, Stack, Text } from '@mantine/core';
import type { DrillDetail } from '../api/drills.ts';
import { Panel } from '../parts/panel.tsx';
import { useTexts } from '../texts/texts.ts';

/** The signed report: to look at, to keep, to check elsewhere. */
export function Evidence({ drill }: { readonly drill: DrillDetail }) {
  const t = useTexts();
  const { id, evidence, stored_at, not_stored } = drill;
  const path = `/api/v1/drills/${id}/evidence`;
  if (!evidence) {
    return (
      <Panel title={t('evidence.title')}>
        <Text size="sm">{t('evidence.none')}</Text>
      </Panel>
    );
  }
  return (
    <Panel title={t('evidence.title')}>
      <Stack gap="sm">
        <Text size="sm">{t('evidence.text', { file: `drill-${id}.json` })}</Text>
        <Group gap="xs">
          <Button component="a" href={`${path}.html`} target="_blank" rel="noopener">
            {t('evidence.open')}
          </Button>
          <Button component="a" href={`${path}.html?download=true`} variant="default">
            {t('evidence.page')}
          </Button>
          <Button component="a" href={`${path}.json?download=true`} variant="default">
            {t('evidence.document')}
          </Button>
        </Group>
        <dl className="facts">
          <dt>{t('evidence.sha')}</dt>
          <dd className="code">{evidence.sha256}</dd>
          <dt>{t('evidence.key')}</dt>
          <dd className="code">{evidence.fingerprint}</dd>
          <dt>{t('evidence.stored')}</dt>
          <dd>{stored_at.join(', ') || '–'}</dd>
        </dl>
        {not_stored.map((why) => (
          <Text size="sm" className="tone-doubt" key={why}>
            {t('evidence.notStored', { why })}
          </Text>
        ))}
      </Stack>
    </Panel>
  );
}
