import { Button, Menu, Select, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/client.ts';
import { useMe, useRefresh } from '../api/queries.ts';
import type { Listed, User } from '../api/types.ts';
import { useTenants } from '../api/upkeep.ts';
import { PasswordField } from '../parts/credential-fields.tsx';
import type { Column } from '../parts/data-table.tsx';
import { useFieldProblem } from '../parts/field-problem.ts';
import { Dialog, Form } from '../parts/form.tsx';
import { ListPage } from '../parts/list-page.tsx';
import { useMay } from '../parts/may.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { StatusMark } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { useTexts } from '../texts/texts.ts';

const ROLES = ['admin', 'operator', 'viewer'] as const;

export function UsersPage() {
  const t = useTexts();
  const may = useMay();
  const [isAdding, setAdding] = useState(false);
  const users = useQuery({ queryKey: ['users'], queryFn: () => call<Listed<User>>('/api/v1/users') });
  const rolesOf = ({ role, tenant_roles }: User) => [
    ...(role ? [t(`role.${role}`)] : []),
    ...Object.entries(tenant_roles).map(([tenant, own]) => `${tenant}: ${t(`role.${own}`)}`),
  ];
  const columns: Column<User>[] = [
    { label: t('column.name'), cell: ({ name }) => name },
    { label: t('column.role'), cell: (user) => rolesOf(user).join(', ') },
    {
      label: t('account.secondFactor'),
      cell: ({ has_second_factor }) => t(has_second_factor ? 'state.on' : 'state.off'),
    },
    {
      label: t('column.status'),
      cell: ({ disabled_at }) =>
        disabled_at ? (
          <StatusMark status="ended" label={t('users.disabled')} />
        ) : (
          <StatusMark status="active" />
        ),
    },
    { label: t('column.since'), cell: ({ created_at }) => <When at={created_at} /> },
    { label: t('column.action'), cell: (user) => <Actions user={user} /> },
  ];
  return (
    <ListPage
      title={t('nav.users')}
      text={t('users.text')}
      create={may('users:write') ? { label: t('users.create'), open: () => setAdding(true) } : null}
      columns={columns}
      list={users}
      keyOf={({ id }) => id}
      empty=""
    >
      {isAdding && <AddUser onClose={() => setAdding(false)} />}
    </ListPage>
  );
}

function Actions({ user }: { readonly user: User }) {
  const t = useTexts();
  const may = useMay();
  const me = useMe().data?.user.id;
  const refresh = useRefresh();
  const change = useMutation({
    mutationFn: (body: Record<string, unknown>) =>
      call(`/api/v1/users/${user.id}`, { method: 'PATCH', body }),
    onSuccess: () => refresh('users'),
  });
  if (!may('users:write') || user.role === 'owner' || user.id === me) return null;
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button
            variant="default"
            size="xs"
            loading={change.isPending}
            aria-label={t('users.changeNamed', { name: user.name })}
          >
            {t('action.change')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {ROLES.filter((role) => role !== user.role).map((role) => (
            <Menu.Item key={role} onClick={() => change.mutate({ role })}>
              {t('users.makeRole', { role: t(`role.${role}`) })}
            </Menu.Item>
          ))}
          {user.has_second_factor && (
            <Menu.Item onClick={() => change.mutate({ reset_second_factor: true })}>
              {t('users.resetFactor')}
            </Menu.Item>
          )}
          <Menu.Item onClick={() => change.mutate({ disabled: user.disabled_at === null })}>
            {t(user.disabled_at ? 'users.enable' : 'users.disable')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <ProblemNote error={change.error} />
    </>
  );
}

function AddUser({ onClose }: { readonly onClose: () => void }) {
  const t = useTexts();
  const fieldProblem = useFieldProblem();
  const refresh = useRefresh();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [role, setRole] = useState<string | null>('viewer');
  const [tenant, setTenant] = useState<string | null>(null);
  const tenants = useTenants();
  const create = useMutation({
    mutationFn: () =>
      call('/api/v1/users', {
        method: 'POST',
        body: { name, password, ...(tenant ? { role: null, tenant_roles: { [tenant]: role } } : { role }) },
      }),
    async onSuccess() {
      await refresh('users');
      onClose();
    },
  });
  return (
    <Dialog title={t('users.create')} onClose={onClose}>
      <Form sending={create} submit={t('users.create')} onCancel={onClose}>
        <TextInput
          label={t('field.name')}
          required
          autoComplete="off"
          data-autofocus
          error={fieldProblem(create.error, 'name')}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <PasswordField isNew value={password} onChange={setPassword} />
        <Select
          label={t('column.role')}
          allowDeselect={false}
          data={ROLES.map((value) => ({ value, label: t(`role.${value}`) }))}
          value={role}
          onChange={setRole}
        />
        <Select
          label={t('column.tenant')}
          description={t('users.tenantHelp')}
          clearable
          clearButtonProps={{ 'aria-label': t('column.tenant') }}
          placeholder={t('users.everything')}
          data={(tenants.data?.items ?? []).map(({ id, name: label }) => ({ value: id, label }))}
          value={tenant}
          onChange={setTenant}
        />
        <Text size="xs" className="soft">
          {t('users.factorHint')}
        </Text>
      </Form>
    </Dialog>
  );
}
