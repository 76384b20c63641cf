import { Select, TextInput } from '@mantine/core';
import { PlainInput } from '../parts/plain-input.tsx';
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
      <PlainInput
        label={t('destination.address')}
        description={t('destination.addressHelp')}
        placeholder="s3://bucket/folder?region=eu-central-1"
        error={problem('address')}
        value={String(body.address ?? '')}
        onChange={(text) => onChange({ ...body, address: text })}
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
      <PlainInput
        label={t('destination.key')}
        description={t('destination.keyHelp')}
        placeholder="BACKUP_ENCRYPTION_KEY"
        error={problem('keys') ?? problem('keys.current.env')}
        value={keys.current?.env ?? ''}
        onChange={(text) => setKey(text)}
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
