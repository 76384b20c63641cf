import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQueries } from '@tanstack/react-query';
import { call, pathWith } from '../api/client.ts';
import { useDocuments } from '../api/queries.ts';
import type { BackupConfig } from '../api/upkeep.ts';
import { CopyText } from '../parts/copy-button.tsx';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { useMayEverywhere } from '../parts/may.ts';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { StatusMark } from '../parts/status.tsx';
import { useTexts } from '../texts/texts.ts';

type Used = BackupConfig['destinations'][number];

export function KeysPage() {
  const t = useTexts();
  const everywhere = useMayEverywhere();
  return (
    <Stack gap="md">
      <PageHead title={t('nav.keys')} text={t('keys.text')} />
      {everywhere('keys:generate') && <NewKey />}
      <InUse />
      <Elsewhere />
    </Stack>
  );
}

/** A key is made, shown once and kept nowhere. */
function NewKey() {
  const t = useTexts();
  const make = useMutation({
    mutationFn: () =>
      call<{ encryption_key: string; key_id: string | null }>('/api/admin/backups/generate-encryption-key', {
        method: 'POST',
        body: {},
      }),
    // What is shown once is not kept by the page either.
    gcTime: 0,
  });
  return (
    <Panel title={t('key.title')}>
      <Stack gap="sm" align="flex-start">
        <Text size="sm">{t('key.text')}</Text>
        <ProblemNote error={make.error} />
        {make.data ? (
          <>
            <div className="secret" data-testid="key-secret">
              {make.data.encryption_key}
            </div>
            <Text size="sm" role="status">
              {t('key.once', { id: make.data.key_id ?? '–' })}
            </Text>
            <Group gap="xs">
              <CopyText text={make.data.encryption_key} />
              <Button size="xs" onClick={() => make.reset()}>
                {t('keys.done')}
              </Button>
            </Group>
          </>
        ) : (
          <Button variant="default" loading={make.isPending} onClick={() => make.mutate()}>
            {t('key.generate')}
          </Button>
        )}
      </Stack>
    </Panel>
  );
}

/** By the ids that the server gives: of each destination that a plan uses, the key it writes with. */
function InUse() {
  const t = useTexts();
  const plans = useDocuments('plans');
  const found = useQueries({
    queries: (plans.data?.items ?? []).map(({ name }) => ({
      queryKey: ['config', name],
      queryFn: () => call<BackupConfig>(pathWith('/api/admin/backups/config', { plan: name })),
    })),
  });
  const destinations = new Map(
    found.flatMap(({ data }) => data?.destinations ?? []).map((one) => [one.name, one]),
  );
  const columns: Column<Used>[] = [
    { label: t('column.destination'), cell: ({ name }) => <strong>{name}</strong> },
    { label: t('destination.address'), cell: ({ address }) => <span className="code">{address}</span> },
    {
      label: t('keys.id'),
      cell: ({ encryption: { key_set, key_id } }) =>
        key_set ? (
          <span className="code">{key_id ?? t('keys.noId')}</span>
        ) : (
          <StatusMark status="missing" label={t('keys.missing')} />
        ),
    },
  ];
  const isWaiting = plans.isPending || found.some(({ isPending }) => isPending);
  return (
    <Panel title={t('keys.destinations')} flush>
      <Text size="sm" p="md" pb={0}>
        {t('keys.destinationsText')}
      </Text>
      <DataTable
        label={t('keys.destinations')}
        columns={columns}
        items={isWaiting ? undefined : [...destinations.values()]}
        keyOf={({ name }) => name}
        empty={t('keys.empty')}
        error={plans.error ?? found.find(({ error }) => error)?.error}
      />
    </Panel>
  );
}

const COMMANDS = [
  ['holdfast key list', 'keys.list'],
  ['holdfast key rotate --key-file /etc/new.key', 'keys.rotate'],
  ['holdfast kit /media/usb', 'keys.kit'],
] as const;

/** What the service has no way for. */
function Elsewhere() {
  const t = useTexts();
  return (
    <Panel title={t('keys.elsewhere')}>
      <Stack gap="sm">
        <Text size="sm">{t('keys.elsewhereText')}</Text>
        <dl className="facts">
          {COMMANDS.map(([command, what]) => [
            <dt key={command} className="code">
              {command}
            </dt>,
            <dd key={what}>{t(what)}</dd>,
          ])}
        </dl>
      </Stack>
    </Panel>
  );
}
