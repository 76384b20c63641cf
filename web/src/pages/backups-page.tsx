import { Group, Stack, Tabs } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useBackups, useDocuments, useTriggers } from '../api/queries.ts';
import type { Backup, Trigger } from '../api/types.ts';
import { BackUpNow } from '../parts/back-up-now.tsx';
import { BackupActions } from '../parts/backup-actions.tsx';
import { type Column, DataTable, moreOf } from '../parts/data-table.tsx';
import { LiveProgress } from '../parts/job-progress.tsx';
import { Filter, Which } from '../parts/list-filters.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Said, SaidLine } from '../parts/said.tsx';
import { StatusMark } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { sizeText } from '../texts/values.ts';

export function BackupsPage() {
  const t = useTexts();
  return (
    <Stack gap="md">
      <PageHead title={t('nav.backups')} text={t('backups.text')}>
        <BackUpNow />
      </PageHead>
      <div className="panel">
        <Tabs defaultValue="backups" keepMounted={false}>
          <Tabs.List px="xs">
            <Tabs.Tab value="backups">{t('nav.backups')}</Tabs.Tab>
            <Tabs.Tab value="triggers">{t('triggers.title')}</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="backups">
            <Backups />
          </Tabs.Panel>
          <Tabs.Panel value="triggers">
            <Triggers />
          </Tabs.Panel>
        </Tabs>
      </div>
    </Stack>
  );
}

function Backups() {
  const t = useTexts();
  const language = useLanguage();
  const [plan, setPlan] = useState<string | null>(null);
  const [archived, setArchived] = useState('false');
  const plans = useDocuments('plans').data?.items ?? [];
  const backups = useBackups({ archived, plan: plan ?? undefined });
  const columns: Column<Backup>[] = [
    {
      label: t('column.time'),
      cell: ({ id, timestamp }) => (
        <Link to="/backups/$id" params={{ id }}>
          <When at={timestamp} />
        </Link>
      ),
    },
    { label: t('column.plan'), cell: ({ plan: name, part }) => (part ? `${name}/${part}` : (name ?? '–')) },
    { label: t('column.tenant'), cell: ({ tenant_id }) => tenant_id ?? t('tenant.global') },
    { label: t('column.type'), cell: ({ type }) => t(`type.${type}`) },
    { label: t('column.status'), cell: ({ status }) => <StatusMark status={status} /> },
    {
      label: t('column.databases'),
      cell: ({ databases }) =>
        Object.entries(databases).map(([name, bytes]) => (
          <div key={name}>
            {name} <span className="soft">{sizeText(bytes, language)}</span>
          </div>
        )),
    },
    { label: t('column.size'), isNumber: true, cell: ({ size_bytes }) => sizeText(size_bytes, language) },
    {
      label: t('column.stored'),
      isNumber: true,
      cell: ({ stored_bytes }) => sizeText(stored_bytes, language),
    },
    { label: t('column.held'), cell: ({ held }) => (held ? t('backup.heldShort') : '') },
    { label: t('column.action'), cell: (backup) => <BackupActions backup={backup} isCompact /> },
  ];
  return (
    <>
      <Group p="sm" gap="sm">
        <Which
          label={t('backups.which')}
          value={archived}
          onChange={setArchived}
          choices={[
            { value: 'false', label: t('backups.current') },
            { value: 'true', label: t('backups.archived') },
          ]}
        />
        <Filter
          label={t('column.plan')}
          all={t('backups.allPlans')}
          width={180}
          value={plan}
          onChange={setPlan}
          choices={plans.map(({ name }) => name)}
        />
      </Group>
      <DataTable
        label={t('nav.backups')}
        columns={columns}
        items={backups.isPending ? undefined : backups.items}
        keyOf={({ id }) => id}
        empty={t(archived === 'true' ? 'backups.emptyArchive' : 'backups.empty')}
        error={backups.error}
        onRetry={() => void backups.refetch()}
        more={moreOf(backups)}
      />
    </>
  );
}

/** Every request for a backup and what became of it. */
function Triggers() {
  const t = useTexts();
  const triggers = useTriggers({});
  const columns: Column<Trigger>[] = [
    {
      label: t('column.time'),
      cell: ({ job_id, timestamp }) =>
        job_id ? (
          <Link to="/runs/$id" params={{ id: job_id }}>
            <When at={timestamp} />
          </Link>
        ) : (
          <When at={timestamp} />
        ),
    },
    { label: t('column.plan'), cell: ({ plan, part }) => (part ? `${plan}/${part}` : (plan ?? '–')) },
    { label: t('column.tenant'), cell: ({ tenant_id }) => tenant_id ?? t('tenant.global') },
    {
      label: t('column.by'),
      cell: ({ requested_by, via }) => (requested_by ? `${requested_by} (${via})` : via),
    },
    {
      label: t('column.status'),
      cell: ({ status, outcome }) =>
        status ? (
          <StatusMark status={status} />
        ) : (
          <StatusMark status={outcome === 'refused' ? 'refused' : 'queued'} />
        ),
    },
    {
      label: t('column.result'),
      cell: ({ job_id, status, progress, error, message, backup_id }) => {
        if (error) return <SaidLine error={error} />;
        if (backup_id) {
          return (
            <Link to="/backups/$id" params={{ id: backup_id }}>
              {t('job.showBackup')}
            </Link>
          );
        }
        if (message) return <Said text={message} />;
        return job_id && status ? <LiveProgress job={{ id: job_id, status, progress }} /> : null;
      },
    },
  ];
  return (
    <DataTable
      label={t('triggers.title')}
      columns={columns}
      items={triggers.isPending ? undefined : triggers.items}
      keyOf={({ id }) => id}
      empty={t('triggers.empty')}
      error={triggers.error}
      onRetry={() => void triggers.refetch()}
      more={moreOf(triggers)}
    />
  );
}
