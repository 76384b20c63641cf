import { Button, Checkbox, Select, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Dialog, Form } from '../parts/form.tsx';
import { useTexts } from '../texts/texts.ts';
import type { Asked } from './asked-job.tsx';

const SHARES = [
  ['1', 'maintenance.all'],
  ['0.1', 'maintenance.tenth'],
  ['0.01', 'maintenance.hundredth'],
] as const;

interface VerifyButtonProps {
  readonly name: string;
  readonly of: { readonly plan: string } | { readonly destination: string };
  readonly asked: Asked;
}

/** Asks how much is to be read, and whether damage is to be repaired. */
export function VerifyButton({ name, of, asked }: VerifyButtonProps) {
  const t = useTexts();
  const [isOpen, setOpen] = useState(false);
  const [share, setShare] = useState('1');
  const [heal, setHeal] = useState(false);
  const verify = useMutation({
    mutationFn: () => asked.ask('/api/v1/verify', { ...of, share: Number(share), heal }),
    onSuccess: () => setOpen(false),
  });
  const title = t('maintenance.verifyNamed', { name });
  return (
    <>
      <Button variant="default" size="xs" aria-label={title} onClick={() => setOpen(true)}>
        {t('maintenance.verify')}
      </Button>
      {isOpen && (
        <Dialog title={title} onClose={() => setOpen(false)}>
          <Form sending={verify} submit={t('maintenance.verify')} onCancel={() => setOpen(false)}>
            <Text size="sm">{t('maintenance.verifyText')}</Text>
            <Select
              label={t('maintenance.share')}
              allowDeselect={false}
              data-autofocus
              data={SHARES.map(([value, label]) => ({ value, label: t(label) }))}
              value={share}
              onChange={(value) => setShare(value ?? '1')}
            />
            <Checkbox
              label={t('maintenance.heal')}
              description={t('maintenance.healHelp')}
              checked={heal}
              onChange={(event) => setHeal(event.currentTarget.checked)}
            />
          </Form>
        </Dialog>
      )}
    </>
  );
}
