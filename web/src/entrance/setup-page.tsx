import { Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { call } from '../api/client.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { useTexts } from '../texts/texts.ts';
import { Entrance } from './entrance.tsx';

/** Day 0: whoever reads the console becomes the owner. */
export function SetupPage() {
  const t = useTexts();
  const client = useQueryClient();
  const [token, setToken] = useState('');
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const claim = useMutation({
    mutationFn: () =>
      call('/api/setup/owner', {
        method: 'POST',
        body: { name, password },
        headers: { 'x-setup-token': token.trim() },
        withoutGates: true,
      }),
    onSuccess: () => client.resetQueries(),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    claim.mutate();
  };
  return (
    <Entrance title={t('setup.title')} text={t('setup.text')}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput
            label={t('field.setupToken')}
            description={t('field.setupTokenHelp')}
            autoComplete="off"
            spellCheck={false}
            required
            value={token}
            onChange={(event) => setToken(event.currentTarget.value)}
          />
          <TextInput
            label={t('field.name')}
            autoComplete="username"
            required
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <PasswordInput
            label={t('field.password')}
            description={t('field.passwordHelp')}
            autoComplete="new-password"
            required
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <ProblemNote error={claim.error} />
          <Button type="submit" loading={claim.isPending}>
            {t('setup.claim')}
          </Button>
        </Stack>
      </form>
    </Entrance>
  );
}
