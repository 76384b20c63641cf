import { Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { SecondFactor } from '../account/second-factor.tsx';
import { call } from '../api/client.ts';
import { useMe, useRefresh } from '../api/queries.ts';
import type { Listed, SessionInfo } from '../api/types.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { StatusMark } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { useTexts } from '../texts/texts.ts';

export function AccountPage() {
  const t = useTexts();
  const me = useMe().data;
  if (!me) return null;
  return (
    <Stack gap="md">
      <PageHead title={t('nav.account')} text={me.user.name} />
      <Panel title={t('account.secondFactor')}>
        <SecondFactor isOn={me.user.has_second_factor} />
      </Panel>
      <Panel title={t('account.password')}>
        <Password wantsCode={me.user.has_second_factor} />
      </Panel>
      <Sessions />
    </Stack>
  );
}

function Password({ wantsCode }: { readonly wantsCode: boolean }) {
  const t = useTexts();
  const [password, setPassword] = useState('');
  const [next, setNext] = useState('');
  const [code, setCode] = useState('');
  const change = useMutation({
    mutationFn: () =>
      call('/api/v1/session/password', {
        method: 'PUT',
        body: { password, new_password: next, ...(wantsCode ? { code } : {}) },
      }),
    onSuccess() {
      setPassword('');
      setNext('');
      setCode('');
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm" maw={360}>
        <PasswordInput
          label={t('account.passwordNow')}
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <PasswordInput
          label={t('account.passwordNext')}
          description={t('field.passwordHelp')}
          autoComplete="new-password"
          required
          value={next}
          onChange={(event) => setNext(event.currentTarget.value)}
        />
        {wantsCode && (
          <TextInput
            label={t('field.code')}
            autoComplete="one-time-code"
            required
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
          />
        )}
        <ProblemNote error={change.error} />
        {change.isSuccess && <StatusMark status="succeeded" label={t('account.passwordChanged')} />}
        <div>
          <Button type="submit" variant="default" loading={change.isPending}>
            {t('account.passwordChange')}
          </Button>
        </div>
      </Stack>
    </form>
  );
}

function Sessions() {
  const t = useTexts();
  const refresh = useRefresh();
  const sessions = useQuery({
    queryKey: ['sessions'],
    queryFn: () => call<Listed<SessionInfo>>('/api/v1/sessions'),
  });
  const end = useMutation({
    mutationFn: () => call('/api/v1/sessions', { method: 'DELETE' }),
    onSuccess: () => refresh('sessions'),
  });
  const columns: Column<SessionInfo>[] = [
    {
      label: t('account.agent'),
      cell: ({ agent, current }) => (
        <>
          {current && (
            <Text span size="sm" fw={600}>
              {t('account.thisSession')}:{' '}
            </Text>
          )}
          {agent}
        </>
      ),
    },
    { label: t('column.address'), cell: ({ address }) => address },
    { label: t('account.began'), cell: ({ created_at }) => <When at={created_at} /> },
    { label: t('account.seen'), cell: ({ seen_at }) => <When at={seen_at} relative /> },
  ];
  return (
    <Panel
      title={t('account.sessions')}
      flush
      actions={
        <Button variant="default" size="xs" loading={end.isPending} onClick={() => end.mutate()}>
          {t('account.endOthers')}
        </Button>
      }
    >
      <DataTable
        label={t('account.sessions')}
        columns={columns}
        items={sessions.data?.items}
        keyOf={({ id }) => id}
        empty=""
        error={sessions.error ?? end.error}
      />
    </Panel>
  );
}
