import { Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { call } from '../api/client.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { useTexts } from '../texts/texts.ts';

/** The token stands outside of this form, and belongs to it by this id. */
export const OWNER_FORM = 'owner-form';

/** Makes whoever holds the setup token the owner, and logs them in. */
export function OwnerForm({ token }: { readonly token: string }) {
  const t = useTexts();
  const client = useQueryClient();
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
    <form onSubmit={submit} id={OWNER_FORM}>
      <Stack gap="sm">
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
  );
}
