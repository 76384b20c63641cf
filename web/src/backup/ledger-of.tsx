import { useLedger } from '../api/upkeep.ts';
import type { LedgerEntry } from '../ledger/ledger-types.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Panel } from '../parts/panel.tsx';
import { When } from '../parts/when.tsx';
import { useTexts } from '../texts/texts.ts';

interface LedgerOfProps {
  /** Of a backup. */
  readonly id: string;
  readonly tenant: string | null;
}

/** Who did what with a backup, and who read of it; the newest first. */
export function LedgerOf({ id, tenant }: LedgerOfProps) {
  const t = useTexts();
  const about = { object_id: id, tenant_id: tenant ?? undefined };
  const [done, read] = [
    useLedger({ stream: 'audit_vault', ...about }),
    useLedger({ stream: 'org_admin_reads', ...about }),
  ];
  const entries = [...done.items, ...read.items].sort((a, b) => (a.at < b.at ? 1 : -1));
  const columns: Column<LedgerEntry>[] = [
    { label: t('column.time'), cell: ({ at }) => <When at={at} /> },
    { label: t('column.who'), cell: ({ actor_name, actor_kind }) => actor_name ?? actor_kind },
    { label: t('ledger.action'), cell: ({ action }) => <span className="code">{action}</span> },
    { label: t('column.result'), cell: ({ outcome }) => outcome },
  ];
  return (
    <Panel title={t('backup.ledger')} flush>
      <DataTable
        label={t('backup.ledger')}
        columns={columns}
        items={done.isPending ? undefined : entries}
        keyOf={({ stream, seq }) => `${stream} ${seq}`}
        empty={t('backup.noLedger')}
        error={done.error ?? read.error}
      />
    </Panel>
  );
}
