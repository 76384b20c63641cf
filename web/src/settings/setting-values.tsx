import { Button, Group, Select, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useRefresh } from '../api/queries.ts';
import { type Setting, useSettings, useTenants } from '../api/upkeep.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { useMay, useMayEverywhere, useOwnTenants } from '../parts/may.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { When } from '../parts/when.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { numberText } from '../texts/values.ts';
import { inheritSetting, SettingDialog } from './setting-dialog.tsx';
import { SETTING_KEYS, SETTING_KINDS, type SettingKey } from './setting-kinds.ts';

interface Row extends Setting {
  readonly key: SettingKey;
}

interface ScopeProps {
  /** Null for all. */
  readonly tenant: string | null;
  readonly onChange: (tenant: string | null) => void;
}

/** All of them, or one tenant's. */
export function SettingScope({ tenant, onChange }: ScopeProps) {
  const t = useTexts();
  const tenants = useTenants().data?.items ?? [];
  const hasAll = useOwnTenants() === null;
  return (
    <Group p="sm">
      <Select
        label={t('settings.scope')}
        w={280}
        allowDeselect={false}
        data={[
          ...(hasAll ? [{ value: '', label: t('settings.scopeAll') }] : []),
          ...tenants.map(({ id, name }) => ({ value: id, label: name })),
        ]}
        value={tenant ?? ''}
        onChange={(next) => onChange(next || null)}
      />
    </Group>
  );
}

/** What holds for a tenant or for all, and where each value comes from. */
export function SettingValues({ tenant }: { readonly tenant: string | null }) {
  const t = useTexts();
  const language = useLanguage();
  const settings = useSettings(tenant);
  const [edited, setEdited] = useState<Row | null>(null);
  const rows = SETTING_KEYS.filter((key) => tenant === null || !SETTING_KINDS[key].isGlobal).flatMap(
    (key): Row[] => {
      const setting = settings.data?.settings[key];
      return setting ? [{ ...setting, key }] : [];
    },
  );
  const valueText = (value: unknown) => {
    if (typeof value === 'boolean') return t(value ? 'state.on' : 'state.off');
    if (typeof value === 'number') return numberText(value, language);
    return value === null ? t('settings.none') : String(value);
  };
  const columns: Column<Row>[] = [
    {
      label: t('column.setting'),
      cell: ({ key }) => (
        <>
          <div>{t(`setting.${key}`)}</div>
          <Text size="xs" className="soft">
            {t(`setting.${key}.help`)}
          </Text>
        </>
      ),
    },
    { label: t('column.value'), cell: ({ value }) => <strong className="whole">{valueText(value)}</strong> },
    { label: t('column.from'), cell: ({ from }) => t(`settings.from.${from}`) },
    {
      label: t('column.changed'),
      cell: ({ updated_at, updated_by }) =>
        updated_at && (
          <>
            <When at={updated_at} relative />
            {updated_by && <span className="soft">, {updated_by}</span>}
          </>
        ),
    },
    {
      label: t('column.action'),
      cell: (row) => <Actions row={row} tenant={tenant} onEdit={() => setEdited(row)} />,
    },
  ];
  return (
    <>
      <DataTable
        label={t('nav.settings')}
        columns={columns}
        items={settings.data && rows}
        keyOf={({ key }) => key}
        empty=""
        error={settings.error}
        onRetry={() => void settings.refetch()}
      />
      {edited && (
        <SettingDialog
          tenant={tenant}
          setting={edited.key}
          value={edited.value}
          onClose={() => setEdited(null)}
        />
      )}
    </>
  );
}

interface ActionsProps {
  readonly row: Row;
  readonly tenant: string | null;
  readonly onEdit: () => void;
}

function Actions({ row: { key, from }, tenant, onEdit }: ActionsProps) {
  const t = useTexts();
  const may = useMay();
  const everywhere = useMayEverywhere();
  const refresh = useRefresh();
  const inherit = useMutation({
    mutationFn: () => inheritSetting(tenant, key),
    onSuccess: () => refresh('settings', 'schedule', 'health'),
  });
  if (!(tenant === null ? everywhere : may)('settings:write')) return null;
  const name = t(`setting.${key}`);
  return (
    <>
      <Group gap="xs" wrap="nowrap" className="actions">
        <Button variant="default" size="xs" aria-label={t('settings.change', { name })} onClick={onEdit}>
          {t('action.change')}
        </Button>
        {from === (tenant === null ? 'global' : 'tenant') && (
          <Button
            variant="default"
            size="xs"
            aria-label={t('settings.inheritNamed', { name })}
            loading={inherit.isPending}
            onClick={() => inherit.mutate()}
          >
            {t('settings.inherit')}
          </Button>
        )}
      </Group>
      <ProblemNote error={inherit.error} />
    </>
  );
}
