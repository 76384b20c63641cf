import { Button, Stack, Text } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMayEverywhere, useOwnTenants } from '../parts/may.ts';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
import { SettingScope, SettingValues } from '../settings/setting-values.tsx';
import { useTexts } from '../texts/texts.ts';

export function SettingsPage() {
  const t = useTexts();
  const everywhere = useMayEverywhere();
  const own = useOwnTenants();
  const navigate = useNavigate();
  const { tenant: asked } = useSearch({ from: '/settings' });
  const tenant = asked ?? own?.[0] ?? null;
  return (
    <Stack gap="md">
      <PageHead title={t('nav.settings')} text={t('settings.text')} />
      <Panel flush>
        <SettingScope
          tenant={tenant}
          onChange={(next) => void navigate({ to: '/settings', search: next ? { tenant: next } : {} })}
        />
        <SettingValues tenant={tenant} />
      </Panel>
      {everywhere('plans:read') && <Export />}
    </Stack>
  );
}

/** The stored configuration, as the file that `holdfast config` reads. */
function Export() {
  const t = useTexts();
  return (
    <Panel title={t('settings.exportTitle')}>
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{t('settings.exportText')}</Text>
        <Button component="a" href="/api/v1/configuration" download="holdfast.yaml" variant="default">
          {t('settings.export')}
        </Button>
      </Stack>
    </Panel>
  );
}
