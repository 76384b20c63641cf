import { Checkbox, PasswordInput, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/client.ts';
import { useRefresh } from '../api/queries.ts';
import { saveFile } from '../backup/download-file.ts';
import { Form } from '../parts/form.tsx';
import { useTexts } from '../texts/texts.ts';

/** Makes a recovery kit and downloads it, with the key wrapped under a passphrase for those who want it inside. */
export function KitForm({ onDone }: { readonly onDone?: () => void }) {
  const t = useTexts();
  const refresh = useRefresh();
  const [withKey, setWithKey] = useState(false);
  const [passphrase, setPassphrase] = useState('');
  const make = useMutation({
    mutationFn: () =>
      call<Blob>('/api/v1/kit', { method: 'POST', body: withKey ? { passphrase } : {}, isFile: true }),
    async onSuccess(zip) {
      saveFile(zip, `holdfast-recovery-kit-${new Date().toISOString().slice(0, 10)}.zip`);
      setPassphrase('');
      onDone?.();
      await refresh('kit', 'slots', 'ledger');
    },
  });
  return (
    <Form sending={make} submit={t('kit.download')} isReady={!withKey || passphrase !== ''}>
      <Checkbox
        label={t('kit.withKey')}
        description={t('kit.withKeyHelp')}
        checked={withKey}
        onChange={(event) => setWithKey(event.currentTarget.checked)}
      />
      {withKey && (
        <PasswordInput
          label={t('kit.passphrase')}
          description={t('kit.passphraseHelp')}
          autoComplete="new-password"
          maw={440}
          value={passphrase}
          onChange={(event) => setPassphrase(event.currentTarget.value)}
        />
      )}
      {make.isSuccess && (
        <Text size="sm" role="status" className="tone-good">
          {t('kit.done')}
        </Text>
      )}
    </Form>
  );
}
