import { Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { call, codeOf } from '../api/client.ts';
import { CodeField, NameField, PasswordField } from '../parts/credential-fields.tsx';
import { Form } from '../parts/form.tsx';
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
  return (
    <Form
      sending={logIn}
      submit={t(proves ? 'action.confirm' : 'action.logIn')}
      isWide
      note={
        wantsCode && (
          <Text size="sm" role="status">
            {t('login.needsCode')}
          </Text>
        )
      }
    >
      {known === undefined && <NameField value={name} onChange={setName} />}
      <PasswordField value={password} onChange={setPassword} hasFocus={known !== undefined} />
      {(wantsCode || code !== '') && <CodeField value={code} onChange={setCode} hasFocus />}
    </Form>
  );
}
