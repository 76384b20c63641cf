import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTexts } from '../texts/texts.ts';
import { KitForm } from './kit-form.tsx';

/** Cannot be closed before the kit was downloaded. */
export function FirstKit({ onClose }: { readonly onClose: () => void }) {
  const t = useTexts();
  const [isDownloaded, setDownloaded] = useState(false);
  return (
    <Modal
      opened
      onClose={() => {}}
      size="lg"
      title={<strong>{t('kit.first')}</strong>}
      withCloseButton={false}
      closeOnClickOutside={false}
      closeOnEscape={false}
    >
      <Stack gap="sm">
        <Text size="sm">{t('kit.firstText')}</Text>
        <KitForm onDone={() => setDownloaded(true)} />
        {isDownloaded && (
          <Group justify="flex-end">
            <Button onClick={onClose}>{t('kit.kept')}</Button>
          </Group>
        )}
      </Stack>
    </Modal>
  );
}
