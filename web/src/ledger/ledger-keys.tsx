import { Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useLedgerHeads } from '../api/upkeep.ts';
import { CopyText } from '../parts/copy-button.tsx';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { Panel } from '../parts/panel.tsx';
import { StatusMark } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { useTexts } from '../texts/texts.ts';
import { readEntries } from './ledger-proof.tsx';
import type { LedgerHeads } from './ledger-types.ts';
import { erasOf, type KeyEra, keyEntries } from './prove.ts';

type Head = LedgerHeads['heads'][number];

/** Both ends, to be noted elsewhere. */
export function Heads() {
  const t = useTexts();
  const heads = useLedgerHeads();
  const columns: Column<Head>[] = [
    { label: t('ledger.stream'), cell: ({ stream }) => t(`ledger.stream.${stream}`) },
    { label: t('ledger.heads'), cell: ({ seq }) => t('ledger.end', { seq }) },
    {
      label: 'Hash',
      cell: ({ hash }) => (
        <Group gap="xs">
          <span className="code">{hash}</span>
        </Group>
      ),
    },
  ];
  const { ledger_id = null, heads: found = [] } = heads.data ?? {};
  const text = [ledger_id, ...found.flatMap(({ stream, seq, hash }) => [stream, seq, hash])].join(' ');
  return (
    <Panel title={t('ledger.heads')} flush actions={ledger_id && <CopyText text={text} />}>
      {ledger_id && (
        <Text size="sm" px="md" pt="sm">
          {t('ledger.id')}: <span className="code">{ledger_id}</span>
        </Text>
      )}
      <DataTable
        label={t('ledger.heads')}
        columns={columns}
        items={heads.data && found}
        keyOf={({ stream }) => stream}
        empty={t('ledger.notBegun')}
        error={heads.error}
        onRetry={() => void heads.refetch()}
      />
    </Panel>
  );
}

/** Keys as the entries introduce and retire them: there is no other list to believe. */
export function SigningKeys() {
  const t = useTexts();
  const keys = useQuery({
    queryKey: ['ledger', 'keys'],
    queryFn: async () =>
      erasOf(await keyEntries('audit_vault', Number.MAX_SAFE_INTEGER - 1, { entries: readEntries })),
  });
  const columns: Column<KeyEra>[] = [
    { label: t('ledger.keyId'), cell: ({ keyId }) => <span className="code">{keyId}</span> },
    { label: t('ledger.keyHost'), cell: ({ host }) => host },
    {
      label: t('column.status'),
      cell: ({ retiredSeq }) => (
        <StatusMark
          status={retiredSeq === null ? 'active' : 'ended'}
          label={t(retiredSeq === null ? 'ledger.keyActive' : 'ledger.keyRetired')}
        />
      ),
    },
    {
      label: t('ledger.keyFrom'),
      cell: ({ addedSeq, addedAt }) => (
        <>
          {addedSeq} <span className="soft">{<When at={addedAt} />}</span>
        </>
      ),
    },
    {
      label: t('ledger.keyUntil'),
      cell: ({ retiredSeq, retiredAt }) =>
        retiredAt && (
          <>
            {retiredSeq} <span className="soft">{<When at={retiredAt} />}</span>
          </>
        ),
    },
  ];
  return (
    <Panel title={t('ledger.keys')} flush>
      <DataTable
        label={t('ledger.keys')}
        columns={columns}
        items={keys.data}
        keyOf={({ keyId }) => keyId}
        empty={t('ledger.notBegun')}
        error={keys.error}
        onRetry={() => void keys.refetch()}
      />
    </Panel>
  );
}
