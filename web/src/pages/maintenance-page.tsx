import { Button, Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import { useDocuments } from '../api/queries.ts';
import type { StoredDocument } from '../api/types.ts';
import { summaryOf } from '../documents/document-kind.ts';
import { type Tested, TestOutcome } from '../documents/test-result.tsx';
import { DestinationActions, PlanActions } from '../maintenance/plan-actions.tsx';
import { type Outcome, useTests } from '../maintenance/use-tests.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { useMay, useMayEverywhere } from '../parts/may.ts';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
import { Named } from '../parts/plan-cells.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { StatusMark } from '../parts/status.tsx';
import { useTexts } from '../texts/texts.ts';

export function MaintenancePage() {
  const t = useTexts();
  const may = useMay();
  const everywhere = useMayEverywhere();
  return (
    <Stack gap="md">
      <PageHead title={t('nav.maintenance')} text={t('maintenance.text')} />
      <Plans />
      <Tests
        kind="destinations"
        title={t('maintenance.destinations')}
        testAll={t('maintenance.testAllDestinations')}
        empty={t('document.empty')}
        mayTest={may('destinations:test')}
        actions={(name) => <DestinationActions name={name} />}
      />
      {may('notices:read') && (
        <Tests
          kind="channels"
          title={t('maintenance.channels')}
          testAll={t('maintenance.testAllChannels')}
          empty={t('maintenance.noChannels')}
          mayTest={everywhere('notices:write')}
        />
      )}
    </Stack>
  );
}

function Plans() {
  const t = useTexts();
  const plans = useDocuments('plans');
  const columns: Column<StoredDocument>[] = [
    { label: t('column.plan'), cell: ({ name, tenant_id }) => <Named name={name} tenant={tenant_id} /> },
    {
      label: t('column.content'),
      cell: ({ body }) => <span className="code">{summaryOf('plans', body)}</span>,
    },
    { label: t('column.action'), cell: ({ name }) => <PlanActions name={name} /> },
  ];
  return (
    <Panel title={t('nav.plans')} flush>
      <DataTable
        label={t('nav.plans')}
        columns={columns}
        items={plans.data?.items}
        keyOf={({ id }) => id}
        empty={t('document.empty')}
        error={plans.error}
        onRetry={() => void plans.refetch()}
      />
    </Panel>
  );
}

interface TestsProps {
  readonly kind: Tested;
  readonly title: string;
  readonly testAll: string;
  readonly empty: string;
  readonly mayTest: boolean;
  /** What else can be done with one. */
  readonly actions?: (name: string) => ReactNode;
}

/** All of a kind, each with the outcome of its test. */
function Tests({ kind, title, testAll, empty, mayTest, actions }: TestsProps) {
  const t = useTexts();
  const documents = useDocuments(kind);
  const { outcomes, test, isBusy } = useTests(kind);
  const names = (documents.data?.items ?? []).map(({ name }) => name);
  const columns: Column<StoredDocument>[] = [
    { label: t('column.name'), cell: ({ name, tenant_id }) => <Named name={name} tenant={tenant_id} /> },
    { label: t('column.content'), cell: ({ body }) => <span className="code">{summaryOf(kind, body)}</span> },
    { label: t('maintenance.result'), cell: ({ name }) => <OutcomeOf outcome={outcomes[name]} /> },
    ...(actions ? [{ label: t('column.action'), cell: ({ name }: StoredDocument) => actions(name) }] : []),
  ];
  return (
    <Panel
      title={title}
      flush
      actions={
        mayTest &&
        names.length > 0 && (
          <Button
            variant="default"
            size="xs"
            aria-label={testAll}
            loading={isBusy}
            onClick={() => void test(names)}
          >
            {t('maintenance.testAll')}
          </Button>
        )
      }
    >
      <DataTable
        label={title}
        columns={columns}
        items={documents.data?.items}
        keyOf={({ id }) => id}
        empty={empty}
        error={documents.error}
        onRetry={() => void documents.refetch()}
      />
    </Panel>
  );
}

/** Is there from the beginning, so that what comes is read out. */
function OutcomeOf({ outcome }: { readonly outcome: Outcome | undefined }) {
  const t = useTexts();
  return (
    <div aria-live="polite">
      {outcome?.state === 'waiting' && <StatusMark status="running" label={t('maintenance.testing')} />}
      {outcome?.state === 'refused' && <ProblemNote error={outcome.error} />}
      {outcome?.state === 'answered' && <TestOutcome answer={outcome.answer} isShort />}
    </div>
  );
}
