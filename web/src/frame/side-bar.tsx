import {
  ActionIcon,
  Group,
  ScrollArea,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { call } from '../api/client.ts';
import { useMe } from '../api/queries.ts';
import { IconLogout, IconMoon, IconSun } from '../parts/icons.ts';
import { useMay } from '../parts/may.ts';
import { setLanguage, useLanguage, useTexts } from '../texts/texts.ts';
import { ACCESS, DAILY, type Entry, SETTINGS, UPKEEP } from './places.ts';

export function SideBar() {
  const t = useTexts();
  return (
    <>
      <ScrollArea
        component="nav"
        aria-label={t('nav.label')}
        style={{ flex: 1 }}
        viewportProps={{ tabIndex: -1 }}
      >
        <Entries of={DAILY} />
        <div className="nav-group">{t('nav.groupUpkeep')}</div>
        <Entries of={UPKEEP} />
        <div className="nav-group">{t('nav.groupSetUp')}</div>
        <Entries of={SETTINGS} />
        <div className="nav-group">{t('nav.groupAccess')}</div>
        <Entries of={ACCESS} />
      </ScrollArea>
      <Foot />
    </>
  );
}

function Entries({ of }: { readonly of: readonly Entry[] }) {
  const t = useTexts();
  const may = useMay();
  return of
    .filter(([, , , permission]) => permission === undefined || may(permission))
    .map(([to, label, Shape]) => (
      <Link key={to} to={to} className="nav-link" activeOptions={{ exact: to === '/' }}>
        <Shape size={18} stroke={1.7} aria-hidden />
        {t(label)}
      </Link>
    ));
}

function Foot() {
  const t = useTexts();
  const me = useMe().data;
  const client = useQueryClient();
  const logOut = useMutation({
    mutationFn: () => call('/api/v1/session', { method: 'DELETE', withoutGates: true }),
    onSettled() {
      client.clear();
      void client.resetQueries({ queryKey: ['me'] });
      // Nothing of this person stays in the page.
      window.location.assign('/admin/');
    },
  });
  return (
    <Group gap={4} pt="xs" mt="xs" wrap="nowrap" style={{ borderTop: '1px solid var(--line)' }}>
      <Text size="sm" truncate style={{ flex: 1 }} pl="xs" title={me?.user.name}>
        {me?.user.name}
      </Text>
      <LanguageSwitch />
      <SchemeSwitch />
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={t('action.logOut')}
        title={t('action.logOut')}
        onClick={() => logOut.mutate()}
      >
        <IconLogout size={18} aria-hidden />
      </ActionIcon>
    </Group>
  );
}

export function LanguageSwitch() {
  const t = useTexts();
  const language = useLanguage();
  const next = language === 'en' ? 'de' : 'en';
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      aria-label={t('language.switch')}
      title={t('language.switch')}
      onClick={() => void setLanguage(next).catch(() => {})}
    >
      <Text size="xs" fw={600} aria-hidden>
        {next.toUpperCase()}
      </Text>
    </ActionIcon>
  );
}

export function SchemeSwitch() {
  const t = useTexts();
  const { setColorScheme } = useMantineColorScheme();
  const isDark = useComputedColorScheme('light') === 'dark';
  const Shape = isDark ? IconSun : IconMoon;
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      aria-label={t('theme.toggle')}
      title={t('theme.toggle')}
      onClick={() => setColorScheme(isDark ? 'light' : 'dark')}
    >
      <Shape size={18} aria-hidden />
    </ActionIcon>
  );
}
