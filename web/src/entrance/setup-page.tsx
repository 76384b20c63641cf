import { Radio, Stack, TextInput } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { Waiting } from '../parts/data-table.tsx';
import { useTexts } from '../texts/texts.ts';
import { Entrance } from './entrance.tsx';
import { OWNER_FORM, OwnerForm } from './owner-form.tsx';

const RestoreSetup = lazy(async () => ({
  default: (await import('../setup/restore-setup.tsx')).RestoreSetup,
}));

/** Day 0: whoever reads the console becomes the owner, of an empty server or of one that takes back what another had. */
export function SetupPage() {
  const t = useTexts();
  const [token, setToken] = useState('');
  const [how, setHow] = useState<'new' | 'restore'>('new');
  const isRestore = how === 'restore';
  return (
    <Entrance title={t('setup.title')} text={t('setup.text')} isWide={isRestore}>
      <Stack gap="sm">
        <Radio.Group
          value={how}
          onChange={(value) => setHow(value === 'restore' ? 'restore' : 'new')}
          label={t('setup.how')}
        >
          <Stack gap={6} mt={6}>
            <Radio value="new" label={t('setup.new')} description={t('setup.newHelp')} />
            <Radio value="restore" label={t('setup.restore')} description={t('setup.restoreHelp')} />
          </Stack>
        </Radio.Group>
        <TextInput
          label={t('field.setupToken')}
          description={t('field.setupTokenHelp')}
          autoComplete="off"
          spellCheck={false}
          required
          form={OWNER_FORM}
          value={token}
          onChange={(event) => setToken(event.currentTarget.value)}
        />
        {isRestore ? (
          <Suspense fallback={<Waiting />}>
            <RestoreSetup token={token} />
          </Suspense>
        ) : (
          <OwnerForm token={token} />
        )}
      </Stack>
    </Entrance>
  );
}
