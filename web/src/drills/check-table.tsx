import type { DrillDetail } from '../api/drills.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { useSaid } from '../texts/server-words.ts';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { DrillMark } from './drill-mark.tsx';
import { preciseText } from './duration.ts';

type Check = DrillDetail['check_results'][number];

/** Kinds whose names are those of the server; others are named in the configuration. */
const OWN = new Set(['holdings', 'content', 'schema']);

/** What each check found; the red ones first. */
export function CheckTable({ checks }: { readonly checks: readonly Check[] }) {
  const t = useTexts();
  const language = useLanguage();
  const said = useSaid();
  const sorted = [...checks].sort((a, b) => Number(a.status === 'green') - Number(b.status === 'green'));
  const columns: Column<Check>[] = [
    { label: t('column.result'), cell: ({ status }) => <DrillMark result={status} /> },
    { label: t('column.name'), cell: ({ name, kind }) => (OWN.has(kind) ? said.phase(name) : name) },
    { label: t('column.kind'), cell: ({ kind }) => said.phase(kind) },
    { label: t('column.content'), cell: ({ detail }) => said.part(detail) },
    {
      label: t('column.duration'),
      isNumber: true,
      cell: ({ duration_ms }) => preciseText(duration_ms, language),
    },
  ];
  return (
    <DataTable
      label={t('drill.checks')}
      columns={columns}
      items={sorted}
      keyOf={({ name, kind }) => `${kind} ${name}`}
      empty={t('drill.noChecks')}
    />
  );
}
