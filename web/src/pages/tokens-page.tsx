import { Button, Checkbox, Group, NumberInput, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/client.ts';
import { useMe, useRefresh } from '../api/queries.ts';
import type { ApiToken, Listed } from '../api/types.ts';
import { CopyText } from '../parts/copy-button.tsx';
import type { Column } from '../parts/data-table.tsx';
import { useFieldProblem } from '../parts/field-problem.ts';
import { Dialog, Form } from '../parts/form.tsx';
import { ListPage } from '../parts/list-page.tsx';
import { StatusMark } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { useTexts } from '../texts/texts.ts';

/** Tokens cannot make others of themselves, or people; see routes/tokens.ts. */
const NEVER = ['account:self', 'tokens:write', 'users:write'];
const OF_VIEWER = ['health:read', 'plans:read', 'backups:read', 'jobs:read', 'metrics:read'];
const DEFAULT_DAYS = 90;

export function TokensPage() {
  const t = useTexts();
  const refresh = useRefresh();
  const [isAdding, setAdding] = useState(false);
  const tokens = useQuery({ queryKey: ['tokens'], queryFn: () => call<Listed<ApiToken>>('/api/v1/tokens') });
  const revoke = useMutation({
    mutationFn: (id: string) => call(`/api/v1/tokens/${id}`, { method: 'DELETE' }),
    onSuccess: () => refresh('tokens'),
  });
  const isOver = ({ expires_at, revoked_at }: ApiToken) =>
    revoked_at !== null || Date.parse(expires_at) < Date.now();
  const columns: Column<ApiToken>[] = [
    { label: t('column.name'), cell: ({ name }) => name },
    { label: t('token.scopes'), cell: ({ scopes }) => <span className="code">{scopes.join(', ')}</span> },
    { label: t('column.tenant'), cell: ({ tenant_id }) => tenant_id ?? t('tenant.global') },
    {
      label: t('column.status'),
      cell: (token) =>
        isOver(token) ? (
          <StatusMark status="ended" label={t(token.revoked_at ? 'token.revoked' : 'token.expired')} />
        ) : (
          <StatusMark status="active" />
        ),
    },
    { label: t('token.expires'), cell: ({ expires_at }) => <When at={expires_at} /> },
    {
      label: t('token.used'),
      cell: ({ used_at }) => (used_at ? <When at={used_at} relative /> : t('overview.never')),
    },
    {
      label: t('column.action'),
      cell: (token) =>
        isOver(token) ? null : (
          <Button
            variant="default"
            size="xs"
            aria-label={t('token.revokeNamed', { name: token.name })}
            onClick={() => revoke.mutate(token.id)}
          >
            {t('token.revoke')}
          </Button>
        ),
    },
  ];
  return (
    <ListPage
      title={t('nav.tokens')}
      text={t('token.text')}
      create={{ label: t('token.create'), open: () => setAdding(true) }}
      columns={columns}
      list={tokens}
      keyOf={({ id }) => id}
      empty={t('token.empty')}
      error={revoke.error}
    >
      {isAdding && <AddToken onClose={() => setAdding(false)} />}
    </ListPage>
  );
}

function AddToken({ onClose }: { readonly onClose: () => void }) {
  const t = useTexts();
  const fieldProblem = useFieldProblem();
  const refresh = useRefresh();
  const me = useMe().data;
  const tenant = me?.user.role === null ? (Object.keys(me.user.tenant_roles)[0] ?? null) : null;
  const own = me?.permissions.length ? me.permissions : OF_VIEWER;
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<string[]>([]);
  const [days, setDays] = useState(DEFAULT_DAYS);
  const create = useMutation({
    mutationFn: () =>
      call<{ secret: string }>('/api/v1/tokens', {
        method: 'POST',
        body: { name, scopes, expires_in_days: days, tenant_id: tenant },
      }),
    onSuccess: () => refresh('tokens'),
  });
  return (
    <Dialog title={t('token.create')} onClose={onClose} size="lg">
      {create.data ? (
        <Stack gap="sm">
          <Text size="sm">{t('token.once')}</Text>
          <div className="secret" data-testid="token-secret">
            {create.data.secret}
          </div>
          <Group justify="space-between">
            <CopyText text={create.data.secret} />
            <Button onClick={onClose}>{t('action.close')}</Button>
          </Group>
        </Stack>
      ) : (
        <Form sending={create} submit={t('token.create')} isReady={scopes.length > 0} onCancel={onClose}>
          <TextInput
            label={t('field.name')}
            description={t('token.nameHelp')}
            required
            autoComplete="off"
            data-autofocus
            error={fieldProblem(create.error, 'name')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Checkbox.Group
            label={t('token.scopes')}
            description={t('token.scopesHelp')}
            value={scopes}
            onChange={setScopes}
          >
            <Group gap="xs" mt="xs">
              {own
                .filter((scope) => !NEVER.includes(scope))
                .map((scope) => (
                  <Checkbox key={scope} value={scope} label={<span className="code">{scope}</span>} w={200} />
                ))}
            </Group>
          </Checkbox.Group>
          <NumberInput
            label={t('token.days')}
            min={1}
            max={366}
            maw={200}
            value={days}
            onChange={(value) => setDays(Number(value) || DEFAULT_DAYS)}
            hideControls
          />
        </Form>
      )}
    </Dialog>
  );
}
