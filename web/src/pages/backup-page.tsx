import { Button, Stack, Text } from '@mantine/core';
import { Link, useParams } from '@tanstack/react-router';
import { useBackup } from '../api/queries.ts';
import type { BackupDetail } from '../api/types.ts';
import { BackupActions } from '../parts/backup-actions.tsx';
import { type Column, DataTable, Waiting } from '../parts/data-table.tsx';
import { IconLock } from '../parts/icons.ts';
import { useMay } from '../parts/may.ts';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { StatusMark } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { sizeText, timeText } from '../texts/values.ts';

export function BackupPage() {
  const { id } = useParams({ from: '/backups/$id' });
  const backup = useBackup(id);
  if (backup.data) return <Shown backup={backup.data} />;
  return backup.error ? (
    <ProblemNote error={backup.error} onRetry={() => void backup.refetch()} />
  ) : (
    <Waiting />
  );
}

function Shown({ backup }: { readonly backup: BackupDetail }) {
  const t = useTexts();
  const language = useLanguage();
  const may = useMay();
  return (
    <Stack gap="md">
      <PageHead
        title={t('backup.title', { when: timeText(backup.timestamp, language) })}
        text={<span className="code">{backup.id}</span>}
      >
        <BackupActions backup={backup} />
        {may('backups:restore') && (
          <Button renderRoot={(props) => <Link to="/restore" search={{ backup: backup.id }} {...props} />}>
            {t('action.restore')}
          </Button>
        )}
      </PageHead>
      <Panel>
        <Stack gap="sm">
          <StatusMark status={backup.status} />
          {backup.held && (
            <Text size="sm" className="tone-quiet">
              <IconLock size={16} aria-hidden /> {t('backup.held')}
            </Text>
          )}
          <Facts backup={backup} />
        </Stack>
      </Panel>
      <Panel title={t('backup.artifacts')} flush>
        <Artifacts backup={backup} />
      </Panel>
      <Panel title={t('backup.copies')} flush>
        <Copies backup={backup} />
      </Panel>
    </Stack>
  );
}

function Facts({ backup }: { readonly backup: BackupDetail }) {
  const t = useTexts();
  const language = useLanguage();
  const { plan, part, tenant_id, type, size_bytes, stored_bytes, archived_at, job_id } = backup;
  return (
    <dl className="facts">
      <dt>{t('column.plan')}</dt>
      <dd>{part ? `${plan}/${part}` : (plan ?? '–')}</dd>
      <dt>{t('column.tenant')}</dt>
      <dd>{tenant_id ?? t('tenant.global')}</dd>
      <dt>{t('column.type')}</dt>
      <dd>{t(`type.${type}`)}</dd>
      <dt>{t('column.size')}</dt>
      <dd>
        {sizeText(size_bytes, language)}
        {stored_bytes !== null && (
          <span className="soft">, {t('backup.storedAs', { size: sizeText(stored_bytes, language) })}</span>
        )}
      </dd>
      {archived_at && (
        <>
          <dt>{t('backups.archived')}</dt>
          <dd>
            <When at={archived_at} />
          </dd>
        </>
      )}
      {job_id && (
        <>
          <dt>{t('backup.madeBy')}</dt>
          <dd>
            <Link to="/runs/$id" params={{ id: job_id }} className="link">
              {t('backup.showRun')}
            </Link>
          </dd>
        </>
      )}
    </dl>
  );
}

function Artifacts({ backup }: { readonly backup: BackupDetail }) {
  const t = useTexts();
  const language = useLanguage();
  const may = useMay();
  type Artifact = BackupDetail['artifacts'][number];
  const columns: Column<Artifact>[] = [
    { label: t('column.name'), cell: ({ name }) => <span className="code">{name}</span> },
    { label: t('column.kind'), cell: ({ kind }) => kind },
    { label: t('column.size'), isNumber: true, cell: ({ size_bytes }) => sizeText(size_bytes, language) },
    ...(may('backups:restore')
      ? [
          {
            label: t('column.action'),
            cell: ({ name }: Artifact) => (
              <Link
                to="/restore"
                search={{ backup: backup.id, item: name }}
                aria-label={t('restore.named', { name })}
              >
                {t('action.restore')}
              </Link>
            ),
          },
        ]
      : []),
  ];
  return (
    <DataTable
      label={t('backup.artifacts')}
      columns={columns}
      items={backup.artifacts}
      keyOf={({ name }) => name}
      empty={t('backup.noArtifacts')}
    />
  );
}

function Copies({ backup }: { readonly backup: BackupDetail }) {
  const t = useTexts();
  type Copy = BackupDetail['copies'][number];
  const columns: Column<Copy>[] = [
    { label: t('column.destination'), cell: ({ destination }) => destination },
    {
      label: t('column.status'),
      cell: ({ state, error }) => (
        <>
          <StatusMark
            status={state === 'present' ? 'present' : state === 'archived' ? 'archived' : 'missing'}
          />
          {error && <Text size="xs">{error}</Text>}
        </>
      ),
    },
    { label: t('backup.seen'), cell: ({ seen_at }) => <When at={seen_at} relative /> },
    {
      label: t('backup.verifiedHead'),
      cell: ({ verified_at, verified_good }) =>
        verified_at ? (
          <>
            <When at={verified_at} relative /> {verified_good === false && <StatusMark status="damaged" />}
          </>
        ) : (
          t('overview.never')
        ),
    },
  ];
  return (
    <DataTable
      label={t('backup.copies')}
      columns={columns}
      items={backup.copies}
      keyOf={({ destination }) => destination}
      empty={t('backup.noCopies')}
    />
  );
}
