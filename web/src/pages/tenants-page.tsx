import { Group, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../api/client.ts';
import { useRefresh } from '../api/queries.ts';
import type { Tenant } from '../api/types.ts';
import { useTenants } from '../api/upkeep.ts';
import { ConfirmedButton } from '../parts/confirmed-button.tsx';
import type { Column } from '../parts/data-table.tsx';
import { useFieldProblem } from '../parts/field-problem.ts';
import { Dialog, Form } from '../parts/form.tsx';
import { ListPage } from '../parts/list-page.tsx';
import { useMay } from '../parts/may.ts';
import { StatusMark } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { useTexts } from '../texts/texts.ts';

export function TenantsPage() {
  const t = useTexts();
  const may = useMay();
  const tenants = useTenants();
  const [isAdding, setAdding] = useState(false);
  const columns: Column<Tenant>[] = [
    { label: t('tenants.id'), cell: ({ id }) => <span className="code">{id}</span> },
    { label: t('column.name'), cell: ({ name }) => name },
    {
      label: t('column.status'),
      cell: ({ archived_at }) => (
        <StatusMark
          status={archived_at ? 'archived' : 'active'}
          label={t(archived_at ? 'tenants.archived' : 'tenants.active')}
        />
      ),
    },
    { label: t('column.since'), cell: ({ created_at }) => <When at={created_at} /> },
    { label: t('column.action'), cell: (tenant) => <Actions tenant={tenant} /> },
  ];
  return (
    <ListPage
      title={t('nav.tenants')}
      text={t('tenants.text')}
      create={may('tenants:write') ? { label: t('tenants.create'), open: () => setAdding(true) } : null}
      columns={columns}
      list={tenants}
      keyOf={({ id }) => id}
      empty={t('tenants.empty')}
    >
      {isAdding && <AddTenant onClose={() => setAdding(false)} />}
    </ListPage>
  );
}

function Actions({ tenant: { id, name, archived_at } }: { readonly tenant: Tenant }) {
  const t = useTexts();
  const may = useMay();
  const refresh = useRefresh();
  return (
    <Group gap="md" wrap="nowrap" className="actions">
      {may('settings:read') && (
        <Link to="/settings" search={{ tenant: id }} aria-label={t('tenants.settingsOf', { name })}>
          {t('tenants.settings')}
        </Link>
      )}
      {may('tenants:write') && !archived_at && (
        <ConfirmedButton
          label={t('tenants.archive')}
          name={t('tenants.archiveNamed', { name })}
          text={`${t('tenants.archiveText')} ${t('confirm.cannotBeUndone')}`}
          isDangerous
          act={async () => {
            await call(`/api/v1/tenants/${encodeURIComponent(id)}`, { method: 'DELETE' });
            await refresh('tenants', 'schedule', 'health');
          }}
        />
      )}
    </Group>
  );
}

function AddTenant({ onClose }: { readonly onClose: () => void }) {
  const t = useTexts();
  const fieldProblem = useFieldProblem();
  const refresh = useRefresh();
  const [id, setId] = useState('');
  const [name, setName] = useState('');
  const create = useMutation({
    mutationFn: () =>
      call('/api/v1/tenants', { method: 'POST', body: { id: id.trim(), name: name.trim() || id.trim() } }),
    async onSuccess() {
      await refresh('tenants');
      onClose();
    },
  });
  return (
    <Dialog title={t('tenants.create')} onClose={onClose}>
      <Form sending={create} submit={t('tenants.create')} onCancel={onClose}>
        <TextInput
          label={t('tenants.id')}
          description={t('tenants.idHelp')}
          required
          autoComplete="off"
          spellCheck={false}
          data-autofocus
          error={fieldProblem(create.error, 'id')}
          value={id}
          onChange={(event) => setId(event.currentTarget.value)}
        />
        <TextInput
          label={t('field.name')}
          autoComplete="off"
          error={fieldProblem(create.error, 'name')}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
      </Form>
    </Dialog>
  );
}
