import { Button, Group, Stack, Tabs } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { call } from '../api/client.ts';
import { isUnfinished, useAllBackups, useDocuments, useRefresh, useTriggers } from '../api/queries.ts';
import type { Backup, Trigger } from '../api/types.ts';
import { DrillMark } from '../drills/drill-mark.tsx';
import { BackUpNow } from '../parts/back-up-now.tsx';
import { BackupActions } from '../parts/backup-actions.tsx';
import { type Column, DataTable, moreOf, Waiting } from '../parts/data-table.tsx';
import { LiveProgress } from '../parts/job-progress.tsx';
import { Filter, Which } from '../parts/list-filters.tsx';
import { useMay, useOwnTenants } from '../parts/may.ts';
import { PageHead } from '../parts/page-head.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Said, SaidLine } from '../parts/said.tsx';
import { StatusMark } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { useLanguage, useTexts } from '../texts/texts.ts';
import { sizeText } from '../texts/values.ts';

const SettingScope = lazy(async () => ({
  default: (await import('../settings/setting-values.tsx')).SettingScope,
}));
const SettingValues = lazy(async () => ({
  default: (await import('../settings/setting-values.tsx')).SettingValues,
}));

export function BackupsPage() {
  const t = useTexts();
  const may = useMay();
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
            {may('settings:read') && <Tabs.Tab value="settings">{t('nav.settings')}</Tabs.Tab>}
          </Tabs.List>
          <Tabs.Panel value="backups">
            <Backups />
          </Tabs.Panel>
          <Tabs.Panel value="triggers">
            <Triggers />
          </Tabs.Panel>
          <Tabs.Panel value="settings">
            <Suspense fallback={<Waiting />}>
              <Settings />
            </Suspense>
          </Tabs.Panel>
        </Tabs>
      </div>
    </Stack>
  );
}

/** How backups are made and kept, for all or for one tenant, and where each value comes from. */
function Settings() {
  const own = useOwnTenants();
  const [chosen, setChosen] = useState<string | null>(null);
  const tenant = chosen ?? own?.[0] ?? null;
  return (
    <>
      <SettingScope tenant={tenant} onChange={setChosen} />
      <SettingValues tenant={tenant} />
    </>
  );
}

function Backups() {
  const t = useTexts();
  const may = useMay();
  const language = useLanguage();
  const [plan, setPlan] = useState<string | null>(null);
  const [archived, setArchived] = useState('false');
  const plans = useDocuments('plans').data?.items ?? [];
  const backups = useAllBackups({ archived, plan: plan ?? undefined });
  const columns: Column<Backup>[] = [
    {
      label: t('column.time'),
      cell: ({ id, timestamp, bundle, key_id }) => (
        <>
          <Link to="/backups/$id" params={{ id }}>
            <When at={timestamp} />
          </Link>
          <div className="code soft bundle">{bundle}</div>
          {key_id && (
            <div className="soft bundle">
              {t('backups.key')} <span className="code">{key_id}</span>
            </div>
          )}
        </>
      ),
    },
    {
      label: t('column.plan'),
      cell: ({ plan: name, part, type }) => (
        <>
          {part ? `${name}/${part}` : (name ?? '–')}
          <div className="soft bundle">{t(`type.${type}`)}</div>
        </>
      ),
    },
    { label: t('column.tenant'), cell: ({ tenant_id }) => tenant_id ?? t('tenant.global') },
    {
      label: t('column.status'),
      cell: ({ status, held, encryption }) => (
        <>
          <StatusMark status={status} />
          {encryption === 'none' && <StatusMark status="warning" label={t('keys.unencrypted')} />}
          {held && <span className="soft">{t('backup.heldShort')}</span>}
        </>
      ),
    },
    {
      label: t('column.databases'),
      cell: ({ databases }) =>
        Object.entries(databases).map(([name, bytes]) => (
          <div key={name}>
            {name} <span className="soft">{sizeText(bytes, language)}</span>
          </div>
        )),
    },
    {
      label: t('column.size'),
      isNumber: true,
      cell: ({ size_bytes, stored_bytes }) => (
        <>
          {sizeText(size_bytes, language)}
          {stored_bytes !== null && (
            <div className="soft">{t('backups.stored', { size: sizeText(stored_bytes, language) })}</div>
          )}
        </>
      ),
    },
    {
      label: t('backup.copies'),
      isNumber: true,
      cell: ({ copies_present: there, copies_wanted: wanted }) =>
        there < wanted ? (
          <StatusMark status="warning" label={t('backups.copiesOf', { there, wanted })} />
        ) : (
          there
        ),
    },
    {
      label: t('backup.proof'),
      cell: ({ last_drill }) => last_drill && <DrillMark result={last_drill} />,
    },
    ...(may('backups:download') || may('backups:trigger')
      ? [
          {
            label: t('column.action'),
            cell: (backup: Backup) => <BackupActions backup={backup} isCompact />,
          },
        ]
      : []),
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
        {plan && (
          <Link to="/plans/$plan/retention" params={{ plan }} className="link small">
            {t('retention.showNamed', { plan })}
          </Link>
        )}
      </Group>
      <DataTable
        label={t('nav.backups')}
        columns={columns}
        items={backups.isPending ? undefined : backups.items}
        keyOf={({ id }) => id}
        empty={t(archived === 'true' ? 'backups.emptyArchive' : 'backups.empty')}
        error={backups.error}
        onRetry={() => void backups.refetch()}
        more={{ ...moreOf(backups), isEndless: true }}
      />
    </>
  );
}

/** Every request for a backup and what became of it. */
function Triggers() {
  const t = useTexts();
  const may = useMay();
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
    ...(may('jobs:cancel') && triggers.items.some(isUnfinished)
      ? [
          {
            label: t('column.action'),
            cell: (trigger: Trigger) =>
              trigger.job_id && isUnfinished(trigger) && <Stop job={trigger.job_id} plan={trigger.plan} />,
          },
        ]
      : []),
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

/** What was asked for and has not ended. What is under way stops at its next safe point. */
function Stop({ job, plan }: { readonly job: string; readonly plan: string | null }) {
  const t = useTexts();
  const refresh = useRefresh();
  const stop = useMutation({
    mutationFn: () => call(`/api/v1/jobs/${job}/cancel`, { method: 'POST', body: {} }),
    onSuccess: () => refresh('triggers', 'jobs'),
  });
  return (
    <>
      <Button
        variant="default"
        size="xs"
        aria-label={t('triggers.stopNamed', { plan: plan ?? '–' })}
        loading={stop.isPending}
        disabled={stop.isSuccess}
        onClick={() => stop.mutate()}
      >
        {t(stop.isSuccess ? 'job.stopping' : 'action.cancel')}
      </Button>
      <ProblemNote error={stop.error} />
    </>
  );
}
