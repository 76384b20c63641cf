import { Button, Group } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { type DocumentKind, useDocuments } from '../api/queries.ts';
import type { StoredDocument } from '../api/types.ts';
import { FirstKitGate } from '../keys/first-kit-gate.tsx';
import { useBackUp } from '../parts/back-up-now.tsx';
import type { Column } from '../parts/data-table.tsx';
import { ListPage } from '../parts/list-page.tsx';
import { useMay } from '../parts/may.ts';
import { BackUpButton, Named } from '../parts/plan-cells.tsx';
import { StatusMark } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { useTexts } from '../texts/texts.ts';
import { summaryOf, TITLES } from './document-kind.ts';
import { Editor } from './editor.tsx';
import { TestOf } from './test-of.tsx';

interface DocumentListProps {
  readonly kind: DocumentKind;
  /** Below the list. */
  readonly children?: ReactNode;
}

/** What is stored of a kind: to look at, to edit, to try. */
export function DocumentList({ kind, children }: DocumentListProps) {
  const t = useTexts();
  const may = useMay();
  const isChannel = kind === 'channels';
  const mayWrite = may(isChannel ? 'notices:write' : 'plans:write');
  const documents = useDocuments(kind);
  const [edited, setEdited] = useState<StoredDocument | 'new' | null>(null);
  const start = useBackUp();
  const { title, text, create } = TITLES[kind];
  const columns: Column<StoredDocument>[] = [
    {
      label: t('column.name'),
      cell: ({ name, tenant_id }) => <Named name={name} tenant={tenant_id} />,
    },
    {
      label: t('column.content'),
      cell: ({ body }) => (
        <>
          <span className="code">{summaryOf(kind, body)}</span>
          {kind === 'destinations' && body.encryption === 'none' && (
            <StatusMark status="warning" label={t('keys.unencrypted')} />
          )}
        </>
      ),
    },
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
        <Group gap="xs" wrap="nowrap" className="actions">
          {mayWrite && (
            <Button
              variant="default"
              size="xs"
              aria-label={t('document.editNamed', { name: document.name })}
              onClick={() => setEdited(document)}
            >
              {t('action.edit')}
            </Button>
          )}
          {kind === 'destinations' && may('destinations:test') && <TestOf kind={kind} name={document.name} />}
          {isChannel && mayWrite && <TestOf kind={kind} name={document.name} />}
          {kind === 'plans' && (
            <Link
              to="/plans/$plan/retention"
              params={{ plan: document.name }}
              aria-label={t('retention.showNamed', { plan: document.name })}
            >
              {t('retention.show')}
            </Link>
          )}
          {kind === 'plans' && may('backups:trigger') && <BackUpButton plan={document.name} start={start} />}
        </Group>
      ),
    },
  ];
  return (
    <ListPage
      title={t(title)}
      text={t(text)}
      create={mayWrite ? { label: t(create), open: () => setEdited('new') } : null}
      columns={columns}
      list={documents}
      keyOf={({ id }) => id}
      empty={t('document.empty')}
      error={start.error}
    >
      {edited !== null && (
        <Editor kind={kind} stored={edited === 'new' ? null : edited} onClose={() => setEdited(null)} />
      )}
      {kind === 'destinations' && edited === null && <FirstKitGate />}
      {children}
    </ListPage>
  );
}
