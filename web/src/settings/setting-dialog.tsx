import { NumberInput, Switch, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/client.ts';
import { useRefresh } from '../api/queries.ts';
import { Dialog, Form } from '../parts/form.tsx';
import { useTexts } from '../texts/texts.ts';
import { SETTING_KINDS, type SettingKey } from './setting-kinds.ts';

interface SettingDialogProps {
  /** Null for all. */
  readonly tenant: string | null;
  readonly setting: SettingKey;
  readonly value: unknown;
  readonly onClose: () => void;
}

export const changeSetting = (tenant: string | null, key: SettingKey, value: unknown) =>
  call('/api/v1/settings', { method: 'PATCH', body: { tenant_id: tenant, settings: { [key]: value } } });

export const inheritSetting = (tenant: string | null, key: SettingKey) =>
  call('/api/v1/settings', { method: 'PATCH', body: { tenant_id: tenant, inherit: [key] } });

export function SettingDialog({ tenant, setting, value: before, onClose }: SettingDialogProps) {
  const t = useTexts();
  const refresh = useRefresh();
  const [value, setValue] = useState(before);
  const save = useMutation({
    mutationFn: () => changeSetting(tenant, setting, value === '' ? null : value),
    async onSuccess() {
      await refresh('settings', 'schedule', 'health');
      onClose();
    },
  });
  const { input, min } = SETTING_KINDS[setting];
  const shown = { label: t(`setting.${setting}`), description: t(`setting.${setting}.help`) };
  return (
    <Dialog title={t('settings.change', { name: t(`setting.${setting}`) })} onClose={onClose}>
      <Form sending={save} submit={t('action.save')} onCancel={onClose}>
        {input === 'switch' && (
          <Switch
            {...shown}
            checked={value === true}
            onChange={(event) => setValue(event.currentTarget.checked)}
          />
        )}
        {input === 'number' && (
          <NumberInput
            {...shown}
            {...(min === undefined ? {} : { min })}
            allowDecimal={false}
            hideControls
            data-autofocus
            value={typeof value === 'number' ? value : ''}
            onChange={setValue}
          />
        )}
        {input === 'text' && (
          <TextInput
            {...shown}
            required
            autoComplete="off"
            spellCheck={false}
            data-autofocus
            value={String(value ?? '')}
            onChange={(event) => setValue(event.currentTarget.value)}
          />
        )}
        <Text size="sm" className="soft">
          {tenant ?? t('settings.scopeAll')}
        </Text>
      </Form>
    </Dialog>
  );
}
