import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../api/client.ts';
import { useRefresh } from '../api/queries.ts';
import { type Switched, useSwitches } from '../api/restores.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Dialog } from '../parts/form.tsx';
import { useMay } from '../parts/may.ts';
import { Panel } from '../parts/panel.tsx';
import { TypedConfirm } from '../parts/typed-confirm.tsx';
import { When } from '../parts/when.tsx';
import { useTexts } from '../texts/texts.ts';

type Action = 'switch-back' | 'drop-old';

/** What restores replaced on this server, and the ways back. Nothing where nothing is kept. */
export function WaysBack() {
  const t = useTexts();
  const isAllowed = useMay()('backups:restore');
  const switches = useSwitches(isAllowed);
  const [asking, setAsking] = useState<{ action: Action; target: string } | null>(null);
  const items = switches.data?.items ?? [];
  if (items.length === 0) return null;
  const button = (action: Action, target: string) => (
    <Button
      variant="default"
      size="xs"
      aria-label={t(action === 'switch-back' ? 'ways.backNamed' : 'ways.dropNamed', { target })}
      onClick={() => setAsking({ action, target })}
    >
      {t(action === 'switch-back' ? 'ways.back' : 'ways.drop')}
    </Button>
  );
  const columns: Column<Switched>[] = [
    { label: t('ways.target'), cell: ({ target }) => <span className="code">{target}</span> },
    { label: t('column.status'), cell: ({ state }) => t(`ways.state.${state}`) },
    {
      label: t('column.time'),
      cell: ({ switched_at, started_at }) => <When at={switched_at ?? started_at} />,
    },
    {
      label: t('ways.kept'),
      cell: ({ kept_at, is_there }) => (
        <>
          <span className="code">{kept_at}</span>
          {is_there === false && <span className="tone-doubt"> ({t('ways.gone')})</span>}
        </>
      ),
    },
    {
      label: t('column.action'),
      cell: ({ target, state }) => (
        <Group gap="xs">
          {state === 'switched' && button('switch-back', target)}
          {state !== 'unfinished' && button('drop-old', target)}
        </Group>
      ),
    },
  ];
  return (
    <Panel title={t('ways.title')} flush>
      <DataTable
        label={t('ways.title')}
        columns={columns}
        items={items}
        keyOf={({ target, started_at }) => `${target} ${started_at}`}
        empty={t('ways.empty')}
      />
      {asking && <Confirm {...asking} onClose={() => setAsking(null)} />}
    </Panel>
  );
}

interface ConfirmProps {
  readonly action: Action;
  readonly target: string;
  readonly onClose: () => void;
}

function Confirm({ action, target, onClose }: ConfirmProps) {
  const t = useTexts();
  const navigate = useNavigate();
  const refresh = useRefresh();
  const isBack = action === 'switch-back';
  const begin = useMutation({
    mutationFn: () =>
      call<{ job_id: string }>(`/api/v1/restores/${action}`, {
        method: 'POST',
        body: { to: target, confirm_restore: true },
      }),
    async onSuccess({ job_id }) {
      void refresh('jobs', 'restores');
      await navigate({ to: '/runs/$id', params: { id: job_id } });
    },
  });
  return (
    <Dialog title={t(isBack ? 'ways.backNamed' : 'ways.dropNamed', { target })} onClose={onClose}>
      <Stack gap="sm">
        <Text size="sm">{t(isBack ? 'ways.backText' : 'ways.dropText')}</Text>
        <TypedConfirm
          word={t(isBack ? 'ways.word.back' : 'ways.word.drop')}
          action={t(isBack ? 'ways.back' : 'ways.drop')}
          onConfirm={() => begin.mutate()}
          isPending={begin.isPending}
          error={begin.error}
          isDangerous
        />
      </Stack>
    </Dialog>
  );
}
