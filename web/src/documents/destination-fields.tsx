import { Select, TextInput } from '@mantine/core';
import { useTexts } from '../texts/texts.ts';
import type { Body } from './document-kind.ts';
import { withField } from './document-kind.ts';
import type { FieldsProps } from './field-props.ts';

export function DestinationFields({ body, onChange, problem }: FieldsProps) {
  const t = useTexts();
  const keys = (body.keys ?? {}) as { current?: { env?: string } };
  const setKey = (env: string) =>
    onChange(withField(body, 'keys', env === '' ? undefined : { ...keys, current: { env } }));
  return (
    <>
      <TextInput
        label={t('destination.address')}
        description={t('destination.addressHelp')}
        placeholder="s3://bucket/folder?region=eu-central-1"
        autoComplete="off"
        spellCheck={false}
        error={problem('address')}
        value={String(body.address ?? '')}
        onChange={(event) => onChange({ ...body, address: event.currentTarget.value })}
      />
      <Select
        label={t('destination.layout')}
        data={[
          { value: 'repository', label: t('destination.layoutRepository') },
          { value: 'bundles', label: t('destination.layoutBundles') },
        ]}
        allowDeselect={false}
        error={problem('layout')}
        value={String(body.layout ?? 'repository')}
        onChange={(value) => onChange(withField(body, 'layout', value === 'repository' ? undefined : value))}
      />
      <TextInput
        label={t('destination.key')}
        description={t('destination.keyHelp')}
        placeholder="BACKUP_ENCRYPTION_KEY"
        autoComplete="off"
        spellCheck={false}
        error={problem('keys') ?? problem('keys.current.env')}
        value={keys.current?.env ?? ''}
        onChange={(event) => setKey(event.currentTarget.value)}
      />
      <TextInput
        label={t('destination.region')}
        description={t('destination.regionHelp')}
        placeholder="eu"
        error={problem('region')}
        value={String(body.region ?? '')}
        onChange={(event) => onChange(withField(body as Body, 'region', event.currentTarget.value))}
      />
    </>
  );
}
