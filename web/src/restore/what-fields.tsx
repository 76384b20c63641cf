import { Autocomplete, Radio, Select, Stack, Text, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { BackupContent } from '../api/content.ts';
import { useTenants } from '../api/upkeep.ts';
import { useMay } from '../parts/may.ts';
import { WithTime } from '../parts/with-time.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { sizeText } from '../texts/values.ts';
import { type Change, type Draft, KINDS, type Kind, tableItems } from './restore-draft.ts';

interface WhatFieldsProps {
  readonly backup: BackupContent;
  readonly draft: Draft;
  readonly change: Change;
}

/** Of which backup, and how much of it. */
export function WhatFields({ backup, draft, change }: WhatFieldsProps) {
  const t = useTexts();
  const language = useLanguage();
  const { id, timestamp, plan, size_bytes } = backup;
  const tables = tableItems(backup);
  const has: Readonly<Record<Kind, boolean>> = {
    whole: true,
    artifact: backup.artifacts.length > 0,
    table: tables.length > 0,
    file: backup.artifacts.some(({ form }) => form === 'tree'),
    tenant: backup.artifacts.some(({ kind }) => kind === 'pg-dump' || kind === 'pg-csv'),
  };
  return (
    <Stack gap="sm">
      <Text size="sm">
        {t('restore.from')}{' '}
        <Link to="/backups/$id" params={{ id }} className="link">
          <WithTime text={t('backup.title')} at={timestamp} />
        </Link>
        {plan && `, ${plan}`}.{' '}
        <Link to="/restore" className="link">
          {t('restore.other')}
        </Link>
      </Text>
      <Radio.Group
        value={draft.kind}
        onChange={(kind) => change({ kind: kind as Kind })}
        aria-label={t('restore.what')}
      >
        <Stack gap={6}>
          {KINDS.filter((kind) => has[kind] || kind === draft.kind).map((kind) => (
            <Radio
              key={kind}
              value={kind}
              label={
                kind === 'whole'
                  ? `${t('restore.kind.whole')} (${sizeText(size_bytes, language)})`
                  : t(`restore.kind.${kind}`)
              }
              {...(kind === 'tenant' ? { description: t('restore.kind.tenantHelp') } : {})}
            />
          ))}
        </Stack>
      </Radio.Group>
      <Part {...{ backup, draft, change, tables }} />
    </Stack>
  );
}

function Part({ backup, draft, change, tables }: WhatFieldsProps & { readonly tables: readonly string[] }) {
  const t = useTexts();
  const language = useLanguage();
  if (draft.kind === 'artifact') {
    return (
      <Select
        maw={440}
        label={t('restore.artifact')}
        allowDeselect={false}
        data={backup.artifacts.map(({ name, kind, size_bytes }) => ({
          value: name,
          label: `${name} (${kind}, ${sizeText(size_bytes, language)})`,
        }))}
        value={draft.artifact}
        onChange={(artifact) => change({ artifact })}
      />
    );
  }
  if (draft.kind === 'table') {
    return (
      <Select
        maw={440}
        label={t('restore.table')}
        searchable
        limit={200}
        data={[...tables]}
        value={draft.table}
        onChange={(table) => change({ table })}
      />
    );
  }
  if (draft.kind === 'tenant') return <Tenant {...{ draft, change }} />;
  if (draft.kind !== 'file') return null;
  return (
    <>
      <TextInput
        maw={440}
        label={t('restore.file')}
        description={t('restore.fileHelp')}
        autoComplete="off"
        spellCheck={false}
        value={draft.file}
        onChange={(event) => change({ file: event.currentTarget.value })}
      />
      <Link to="/backups/$id" params={{ id: backup.id }} className="link small">
        {t('restore.browse')}
      </Link>
    </>
  );
}

function Tenant({ draft, change }: Pick<WhatFieldsProps, 'draft' | 'change'>) {
  const t = useTexts();
  const may = useMay();
  const known = useTenants().data?.items ?? [];
  return (
    <Autocomplete
      maw={440}
      label={t('restore.tenant')}
      description={t('restore.tenantHelp')}
      spellCheck={false}
      data={may('tenants:read') ? known.map(({ id }) => id) : []}
      value={draft.tenant}
      onChange={(tenant) => change({ tenant })}
    />
  );
}
