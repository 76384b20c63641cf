import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/client.ts';
import { NameField, PasswordField } from '../parts/credential-fields.tsx';
import { Form } from '../parts/form.tsx';
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
  return (
    <Form id={OWNER_FORM} sending={claim} submit={t('setup.claim')} isWide>
      <NameField value={name} onChange={setName} />
      <PasswordField isNew value={password} onChange={setPassword} />
    </Form>
  );
}
