import { Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { call, codeOf } from '../api/client.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { useTexts } from '../texts/texts.ts';

interface LoginFormProps {
  /** Logs in this person; asks for the name without. */
  readonly name?: string;
  readonly onDone: () => void;
  readonly proves?: boolean;
}

/** Name, password and, where the account wants it, the code. With `proves`, the password of who is logged in. */
export function LoginForm({ name: known, onDone, proves = false }: LoginFormProps) {
  const t = useTexts();
  const [name, setName] = useState(known ?? '');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const logIn = useMutation({
    mutationFn: () => {
      const given = { ...(proves ? {} : { name }), password, ...(code ? { code: code.trim() } : {}) };
      return call(proves ? '/api/v1/session/prove' : '/api/v1/session', {
        method: 'POST',
        body: given,
        withoutGates: true,
      });
    },
    onSuccess: onDone,
  });
  const wantsCode = codeOf(logIn.error) === 'second_factor_needed';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    logIn.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {known === undefined && (
          <TextInput
            label={t('field.name')}
            autoComplete="username"
            required
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
        )}
        <PasswordInput
          label={t('field.password')}
          autoComplete="current-password"
          required
          data-autofocus={known !== undefined}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        {(wantsCode || code !== '') && (
          <TextInput
            label={t('field.code')}
            description={t('field.codeHelp')}
            autoComplete="one-time-code"
            autoFocus
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
          />
        )}
        {wantsCode ? (
          <Text size="sm" role="status">
            {t('login.needsCode')}
          </Text>
        ) : (
          <ProblemNote error={logIn.error} />
        )}
        <Button type="submit" loading={logIn.isPending}>
          {t(proves ? 'action.confirm' : 'action.logIn')}
        </Button>
      </Stack>
    </form>
  );
}
