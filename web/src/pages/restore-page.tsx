import { Stack, Text } from '@mantine/core';
import { Link, useSearch } from '@tanstack/react-router';
import { useBackupContent } from '../api/content.ts';
import { useBackups } from '../api/queries.ts';
import type { Backup } from '../api/types.ts';
import { type Column, DataTable, moreOf, Waiting } from '../parts/data-table.tsx';
import { useMay } from '../parts/may.ts';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { StatusMark } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { BundleUpload } from '../restore/bundle-upload.tsx';
import { RestoreForm } from '../restore/restore-form.tsx';
import { WaysBack } from '../restore/ways-back.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { sizeText } from '../texts/values.ts';

/** First which backup; then what of it, where to, and a look at what will happen. */
export function RestorePage() {
  const t = useTexts();
  const { backup: id = '', item } = useSearch({ from: '/restore' });
  const may = useMay();
  const backup = useBackupContent(id);
  return (
    <Stack gap="md">
      <PageHead title={t('restore.title')} text={t('restore.text')} />
      {id === '' ? (
        <>
          <Choose />
          <WaysBack />
          {may('backups:restore') && <BundleUpload />}
        </>
      ) : backup.data ? (
        <RestoreForm key={`${id} ${item}`} backup={backup.data} item={item ?? null} />
      ) : backup.error ? (
        <ProblemNote error={backup.error} onRetry={() => void backup.refetch()} />
      ) : (
        <Waiting />
      )}
    </Stack>
  );
}

function Choose() {
  const t = useTexts();
  const language = useLanguage();
  const backups = useBackups({ archived: 'false' });
  const columns: Column<Backup>[] = [
    {
      label: t('column.time'),
      cell: ({ id, timestamp }) => (
        <Link to="/restore" search={{ backup: id }}>
          <When at={timestamp} />
        </Link>
      ),
    },
    {
      label: t('column.age'),
      cell: ({ timestamp }) => (
        <Text span size="sm" className="soft">
          <When at={timestamp} relative />
        </Text>
      ),
    },
    { label: t('column.plan'), cell: ({ plan, part }) => (part ? `${plan}/${part}` : (plan ?? '–')) },
    { label: t('column.tenant'), cell: ({ tenant_id }) => tenant_id ?? t('tenant.global') },
    { label: t('column.status'), cell: ({ status }) => <StatusMark status={status} /> },
    { label: t('column.size'), isNumber: true, cell: ({ size_bytes }) => sizeText(size_bytes, language) },
  ];
  return (
    <Panel title={t('restore.which')} flush>
      <DataTable
        label={t('restore.which')}
        columns={columns}
        items={backups.isPending ? undefined : backups.items}
        keyOf={({ id }) => id}
        empty={t('backups.empty')}
        error={backups.error}
        onRetry={() => void backups.refetch()}
        more={moreOf(backups)}
      />
    </Panel>
  );
}
