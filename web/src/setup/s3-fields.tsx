import { Checkbox, PasswordInput, SimpleGrid, TextInput } from '@mantine/core';
import type { SetupS3 } from '../api/types.ts';
import { useTexts } from '../texts/texts.ts';

interface Fields {
  readonly bucket: string;
  readonly prefix: string;
  readonly region: string;
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly isPathStyle: boolean;
  readonly isOld: boolean;
}

export const NO_PLACE: Fields = {
  ...{ bucket: '', prefix: '', region: '', endpoint: '', accessKey: '', secretKey: '' },
  ...{ isPathStyle: false, isOld: false },
};

/** As the server takes it; what is empty is left out. */
export function s3Of(fields: Fields, key: string): SetupS3 {
  const given = (name: string, value: string) => (value.trim() === '' ? {} : { [name]: value.trim() });
  return {
    ...{ bucket: fields.bucket.trim(), encryption_key: key },
    ...given('prefix', fields.prefix),
    ...given('region', fields.region),
    ...given('endpoint', fields.endpoint),
    ...given('access_key_id', fields.accessKey),
    ...given('secret_access_key', fields.secretKey),
    ...(fields.isPathStyle ? { path_style: true } : {}),
    ...(fields.isOld ? { checksums: 'when-required' as const } : {}),
  };
}

interface S3FieldsProps {
  readonly fields: Fields;
  readonly onChange: (fields: Fields) => void;
}

export function S3Fields({ fields, onChange }: S3FieldsProps) {
  const t = useTexts();
  const of = (name: 'bucket' | 'prefix' | 'region' | 'endpoint' | 'accessKey') => ({
    ...{ autoComplete: 'off', spellCheck: false, value: fields[name] },
    onChange: ({ currentTarget }: { readonly currentTarget: HTMLInputElement }) =>
      onChange({ ...fields, [name]: currentTarget.value }),
  });
  return (
    <>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
        <TextInput label={t('setup.bucket')} required {...of('bucket')} />
        <TextInput label={t('setup.prefix')} {...of('prefix')} />
        <TextInput label={t('setup.endpoint')} description={t('setup.endpointHelp')} {...of('endpoint')} />
        <TextInput label={t('setup.region')} description={t('setup.regionHelp')} {...of('region')} />
        <TextInput label={t('setup.accessKey')} {...of('accessKey')} />
        <PasswordInput
          label={t('setup.secretKey')}
          autoComplete="off"
          value={fields.secretKey}
          onChange={(event) => onChange({ ...fields, secretKey: event.currentTarget.value })}
        />
      </SimpleGrid>
      <Checkbox
        label={t('setup.pathStyle')}
        checked={fields.isPathStyle}
        onChange={(event) => onChange({ ...fields, isPathStyle: event.currentTarget.checked })}
      />
      <Checkbox
        label={t('setup.oldServer')}
        checked={fields.isOld}
        onChange={(event) => onChange({ ...fields, isOld: event.currentTarget.checked })}
      />
    </>
  );
}
