import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import { useLedger, useTenants } from '../api/upkeep.ts';
import { CopyText } from '../parts/copy-button.tsx';
import { type Column, DataTable, moreOf } from '../parts/data-table.tsx';
import { Dialog } from '../parts/form.tsx';
import { Filter, Which } from '../parts/list-filters.tsx';
import { useOwnTenants } from '../parts/may.ts';
import { Panel } from '../parts/panel.tsx';
import { type Status, StatusMark } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { useTexts } from '../texts/texts.ts';
import type { LedgerEntry, Stream } from './ledger-types.ts';

const STREAMS: readonly Stream[] = ['audit_vault', 'org_admin_reads'];
const OUTCOMES: readonly string[] = [
  'succeeded',
  'failed',
  'refused',
  'interrupted',
  'skipped',
] satisfies Status[];
const PAUSE_MS = 300;

export function LedgerEntries() {
  const t = useTexts();
  const own = useOwnTenants();
  const [stream, setStream] = useState<Stream>('audit_vault');
  const [tenant, setTenant] = useState<string | null>(own?.[0] ?? null);
  const [action, setAction] = useState('');
  const [shown, setShown] = useState<LedgerEntry | null>(null);
  const [asked] = useDebouncedValue(action.trim(), PAUSE_MS);
  const entries = useLedger({ stream, tenant_id: tenant ?? undefined, action: asked || undefined });
  const tenants = useTenants().data?.items ?? [];
  const columns: Column<LedgerEntry>[] = [
    { label: '#', isNumber: true, cell: ({ seq }) => seq },
    { label: t('column.time'), cell: ({ at }) => <When at={at} /> },
    { label: t('column.who'), cell: ({ actor_name, actor_kind }) => actor_name ?? actor_kind },
    { label: t('ledger.action'), cell: (entry) => <span className="code">{entry.action}</span> },
    { label: t('column.object'), cell: (entry) => <About entry={entry} /> },
    { label: t('column.tenant'), cell: ({ tenant_id }) => tenant_id ?? t('tenant.global') },
    { label: t('column.result'), cell: ({ outcome }) => <Outcome outcome={outcome} /> },
    {
      label: t('column.action'),
      cell: (entry) => (
        <Button
          variant="default"
          size="xs"
          aria-label={t('ledger.show', { seq: entry.seq })}
          onClick={() => setShown(entry)}
        >
          {t('ledger.showShort')}
        </Button>
      ),
    },
  ];
  return (
    <Panel title={t('ledger.entries')} flush>
      <Group p="sm" gap="sm" align="flex-end">
        <Which
          label={t('ledger.stream')}
          value={stream}
          onChange={setStream}
          choices={STREAMS.map((value) => ({ value, label: t(`ledger.stream.${value}`) }))}
        />
        <Filter
          label={t('column.tenant')}
          all={t('ledger.allTenants')}
          width={180}
          isClearable={own === null}
          value={tenant}
          onChange={setTenant}
          choices={tenants.map(({ id, name }) => ({ value: id, label: name }))}
        />
        <TextInput
          size="xs"
          w={320}
          aria-label={t('ledger.action')}
          placeholder={t('ledger.actionHelp')}
          autoComplete="off"
          spellCheck={false}
          value={action}
          onChange={(event) => setAction(event.currentTarget.value)}
        />
      </Group>
      <DataTable
        label={t('ledger.entries')}
        columns={columns}
        items={entries.isPending ? undefined : entries.items}
        keyOf={({ seq }) => String(seq)}
        empty={t('ledger.empty')}
        error={entries.error}
        onRetry={() => void entries.refetch()}
        more={moreOf(entries)}
      />
      {shown && <Entry entry={shown} onClose={() => setShown(null)} />}
    </Panel>
  );
}

function About({ entry: { object_kind, object_id } }: { readonly entry: LedgerEntry }) {
  return (
    <>
      {object_kind}
      {object_id && <div className="code soft">{object_id}</div>}
    </>
  );
}

function Outcome({ outcome }: { readonly outcome: string }) {
  return OUTCOMES.includes(outcome) ? <StatusMark status={outcome as Status} /> : outcome;
}

/** All of it, as it is signed. */
function Entry({ entry, onClose }: { readonly entry: LedgerEntry; readonly onClose: () => void }) {
  const t = useTexts();
  const text = JSON.stringify(entry, null, 2);
  return (
    <Dialog title={t('ledger.entryTitle', { seq: entry.seq })} onClose={onClose} size="lg">
      <Stack gap="sm">
        <Group justify="space-between">
          <Text size="sm">{t('ledger.entryText')}</Text>
          <CopyText text={text} />
        </Group>
        <pre className="code" style={{ margin: 0, whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {text}
        </pre>
      </Stack>
    </Dialog>
  );
}
