import { Box, Button, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { SecondFactor } from '../account/second-factor.tsx';
import { call } from '../api/client.ts';
import { useMe, useRefresh } from '../api/queries.ts';
import type { Listed, SessionInfo } from '../api/types.ts';
import { CodeField, PasswordField } from '../parts/credential-fields.tsx';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Form } from '../parts/form.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
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
  return (
    <Box maw={360}>
      <Form sending={change} submit={t('account.passwordChange')} variant="default">
        <PasswordField label={t('account.passwordNow')} value={password} onChange={setPassword} />
        <PasswordField label={t('account.passwordNext')} isNew value={next} onChange={setNext} />
        {wantsCode && <CodeField value={code} onChange={setCode} />}
        {change.isSuccess && <StatusMark status="succeeded" label={t('account.passwordChanged')} />}
      </Form>
    </Box>
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
