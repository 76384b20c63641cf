import { Button, Stack, Text } from '@mantine/core';
import { Link, useParams } from '@tanstack/react-router';
import { type BackupContent, fileUrl, useBackupContent } from '../api/content.ts';
import { Compare } from '../backup/compare.tsx';
import { useDownload } from '../backup/download-file.ts';
import { LedgerOf } from '../backup/ledger-of.tsx';
import { Proof } from '../backup/proof.tsx';
import { Tables } from '../backup/tables.tsx';
import { TreeBrowser } from '../backup/tree-browser.tsx';
import { BackupActions } from '../parts/backup-actions.tsx';
import { type Column, DataTable, Waiting } from '../parts/data-table.tsx';
import { IconLock } from '../parts/icons.ts';
import { useMay } from '../parts/may.ts';
import { PageHead } from '../parts/page-head.tsx';
import { Panel } from '../parts/panel.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Said, SaidProblem } from '../parts/said.tsx';
import { StatusMark } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { sizeText } from '../texts/values.ts';

export function BackupPage() {
  const { id } = useParams({ from: '/backups/$id' });
  const backup = useBackupContent(id);
  if (backup.data) return <Shown backup={backup.data} />;
  return backup.error ? (
    <ProblemNote error={backup.error} onRetry={() => void backup.refetch()} />
  ) : (
    <Waiting />
  );
}

function Shown({ backup }: { readonly backup: BackupContent }) {
  const t = useTexts();
  const may = useMay();
  const trees = backup.artifacts.filter(({ form }) => form === 'tree').map(({ name }) => name);
  return (
    <Stack gap="md">
      <PageHead
        title={t('backup.title')}
        at={backup.timestamp}
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
          {backup.encryption === 'none' && <StatusMark status="warning" label={t('keys.unencryptedWhy')} />}
          {backup.held && (
            <Text size="sm" className="tone-quiet">
              <IconLock size={16} aria-hidden /> {t('backup.held')}
            </Text>
          )}
          {backup.holds.map(({ reason }) => (
            <Text size="sm" key={reason}>
              {t('backup.heldBecause', { reason: reason ?? '–' })}
            </Text>
          ))}
          {backup.content_error && (
            <div>
              <StatusMark status="warning" label={t('backup.unread')} />
              <SaidProblem error={backup.content_error} />
            </div>
          )}
          <Facts backup={backup} />
        </Stack>
      </Panel>
      <Panel title={t('backup.artifacts')} flush>
        <Artifacts backup={backup} />
      </Panel>
      <Problems backup={backup} />
      <Tables backup={backup} />
      {trees.length > 0 && <TreeBrowser id={backup.id} trees={trees} />}
      <Compare backup={backup} />
      <Panel title={t('backup.copies')} flush>
        <Copies backup={backup} />
      </Panel>
      <Proof backup={backup} />
      {may('ledger:read') && <LedgerOf id={backup.id} tenant={backup.tenant_id} />}
    </Stack>
  );
}

function Facts({ backup }: { readonly backup: BackupContent }) {
  const t = useTexts();
  const language = useLanguage();
  const { plan, part, tenant_id, type, size_bytes, stored_bytes, archived_at, job_id } = backup;
  const { host, program, finished_at } = backup;
  const databases = Object.entries(backup.databases);
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
      {databases.length > 0 && (
        <>
          <dt>{t('column.databases')}</dt>
          <dd>
            {databases.map(([name, bytes]) => (
              <div key={name}>
                {name} <span className="soft">{sizeText(bytes, language)}</span>
              </div>
            ))}
          </dd>
        </>
      )}
      {archived_at && (
        <>
          <dt>{t('backups.archived')}</dt>
          <dd>
            <When at={archived_at} />
          </dd>
        </>
      )}
      {host && (
        <>
          <dt>{t('backup.host')}</dt>
          <dd>{[host, program].filter(Boolean).join(', ')}</dd>
        </>
      )}
      {finished_at && (
        <>
          <dt>{t('backup.finished')}</dt>
          <dd>
            <When at={finished_at} />
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

/** Of an incomplete backup: what is not in it, and why. */
function Problems({ backup: { problems } }: { readonly backup: BackupContent }) {
  const t = useTexts();
  if (problems.length === 0) return null;
  const columns: Column<BackupContent['problems'][number]>[] = [
    {
      label: t('column.name'),
      cell: ({ artifact, path }) => (
        <span className="code">{[artifact, path].filter(Boolean).join('/')}</span>
      ),
    },
    { label: t('column.result'), cell: ({ message }) => <Said text={message} /> },
  ];
  return (
    <Panel title={t('backup.problems')} flush>
      <DataTable
        label={t('backup.problems')}
        columns={columns}
        items={problems}
        keyOf={({ artifact, path, cause }) => `${artifact} ${path} ${cause}`}
        empty=""
      />
    </Panel>
  );
}

function Artifacts({ backup }: { readonly backup: BackupContent }) {
  const t = useTexts();
  const language = useLanguage();
  const may = useMay();
  const download = useDownload();
  type Artifact = BackupContent['artifacts'][number];
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
    ...(may('backups:download')
      ? [
          {
            label: t('backup.download'),
            cell: ({ name, form }: Artifact) =>
              form === 'stream' && (
                <Button
                  variant="default"
                  size="xs"
                  aria-label={t('tree.downloadNamed', { name })}
                  onClick={() => download.mutate(fileUrl(backup.id, name, ''))}
                >
                  {t('backup.download')}
                </Button>
              ),
          },
        ]
      : []),
  ];
  return (
    <>
      <ProblemNote error={download.error} />
      <DataTable
        label={t('backup.artifacts')}
        columns={columns}
        items={backup.artifacts}
        keyOf={({ name }) => name}
        empty={t('backup.noArtifacts')}
      />
    </>
  );
}

function Copies({ backup }: { readonly backup: BackupContent }) {
  const t = useTexts();
  type Copy = BackupContent['copies'][number];
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
