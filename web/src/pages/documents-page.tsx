import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../api/client.ts';
import { type DocumentKind, useDocuments } from '../api/queries.ts';
import type { StoredDocument } from '../api/types.ts';
import { summaryOf, TITLES } from '../documents/document-kind.ts';
import { Editor } from '../documents/editor.tsx';
import { TestOf } from '../documents/test-of.tsx';
import { useBackUp } from '../parts/back-up-now.tsx';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { useMay } from '../parts/may.ts';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { When } from '../parts/when.tsx';
import { useTexts } from '../texts/texts.ts';

export const PlansPage = () => <DocumentsPage kind="plans" />;
export const SourcesPage = () => <DocumentsPage kind="sources" />;
export const DestinationsPage = () => <DocumentsPage kind="destinations" />;

function DocumentsPage({ kind }: { readonly kind: DocumentKind }) {
  const t = useTexts();
  const may = useMay();
  const documents = useDocuments(kind);
  const [edited, setEdited] = useState<StoredDocument | 'new' | null>(null);
  const start = useBackUp();
  const { title, text, create } = TITLES[kind];
  const columns: Column<StoredDocument>[] = [
    {
      label: t('column.name'),
      cell: ({ name, tenant_id }) => (
        <>
          <Text span fw={600} size="sm">
            {name}
          </Text>{' '}
          {tenant_id && (
            <Text span size="xs" className="soft">
              {tenant_id}
            </Text>
          )}
        </>
      ),
    },
    { label: t('column.content'), cell: ({ body }) => <span className="code">{summaryOf(kind, body)}</span> },
    {
      label: t('column.changed'),
      cell: ({ updated_at, updated_by }) => (
        <>
          <When at={updated_at} relative />
          {updated_by && <span className="soft">, {updated_by}</span>}
        </>
      ),
    },
    {
      label: t('column.action'),
      cell: (document) => (
        <Group gap="xs" wrap="nowrap">
          {may('plans:write') && (
            <Button
              variant="default"
              size="xs"
              aria-label={t('document.editNamed', { name: document.name })}
              onClick={() => setEdited(document)}
            >
              {t('action.edit')}
            </Button>
          )}
          {kind === 'destinations' && may('destinations:test') && <TestOf name={document.name} />}
          {kind === 'plans' && may('backups:trigger') && (
            <Button
              variant="default"
              size="xs"
              aria-label={t('plan.runNamed', { plan: document.name })}
              onClick={() => start.mutate(document.name)}
            >
              {t('plan.run')}
            </Button>
          )}
        </Group>
      ),
    },
  ];
  return (
    <Stack gap="md">
      <PageHead title={t(title)} text={t(text)}>
        {may('plans:write') && <Button onClick={() => setEdited('new')}>{t(create)}</Button>}
      </PageHead>
      <ProblemNote error={start.error} />
      <Panel flush>
        <DataTable
          label={t(title)}
          columns={columns}
          items={documents.data?.items}
          keyOf={({ id }) => id}
          empty={t('document.empty')}
          error={documents.error}
          onRetry={() => void documents.refetch()}
        />
      </Panel>
      {edited !== null && (
        <Editor kind={kind} stored={edited === 'new' ? null : edited} onClose={() => setEdited(null)} />
      )}
      {kind === 'destinations' && may('keys:generate') && <NewKey />}
    </Stack>
  );
}

/** A key is made, shown once and kept nowhere. */
function NewKey() {
  const t = useTexts();
  const make = useMutation({
    mutationFn: () =>
      call<{ encryption_key: string; key_id: string | null }>('/api/admin/backups/generate-encryption-key', {
        method: 'POST',
        body: {},
      }),
  });
  return (
    <Panel title={t('key.title')}>
      <Stack gap="sm">
        <Text size="sm">{t('key.text')}</Text>
        {make.data && (
          <>
            <div className="secret">{make.data.encryption_key}</div>
            <Text size="sm">{t('key.once', { id: make.data.key_id ?? '–' })}</Text>
          </>
        )}
        <ProblemNote error={make.error} />
        <div>
          <Button variant="default" loading={make.isPending} onClick={() => make.mutate()}>
            {t('key.generate')}
          </Button>
        </div>
      </Stack>
    </Panel>
  );
}
