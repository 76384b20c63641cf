import './restore.css';
import { Button, Stack, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { call } from '../api/client.ts';
import type { BackupContent } from '../api/content.ts';
import { useRefresh } from '../api/queries.ts';
import { type RestoreWanted, useRestorePlan } from '../api/restores.ts';
import { useDownload } from '../backup/download-file.ts';
import { useFieldProblem } from '../parts/field-problem.ts';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Step } from '../parts/step.tsx';
import { TypedConfirm } from '../parts/typed-confirm.tsx';
import { useTexts } from '../texts/texts.ts';
import { downloadOf, itemOf, useRestoreDraft, wantedOf } from './restore-draft.ts';
import { PlanOfRestore } from './restore-plan.tsx';
import { TenantPreview } from './tenant-plan.tsx';
import { WhatFields } from './what-fields.tsx';
import { WhereFields } from './where-fields.tsx';

interface RestoreFormProps {
  readonly backup: BackupContent;
  /** A part, table or file that was chosen already. */
  readonly item: string | null;
}

/** While somebody types, nothing is asked. */
const TYPING_MS = 400;

/** Four steps on one page, so that everything can be seen before it is confirmed. */
export function RestoreForm({ backup, item: chosen }: RestoreFormProps) {
  const t = useTexts();
  const fieldProblem = useFieldProblem();
  const { draft, change } = useRestoreDraft(backup, chosen);
  const now = wantedOf(backup.id, draft);
  const [wanted] = useDebouncedValue(now, TYPING_MS);
  const isSettled = JSON.stringify(now) === JSON.stringify(wanted);
  const plan = useRestorePlan(isSettled ? now : null);
  const start = useStart();
  const download = downloadOf(backup, draft);
  const isDownload = draft.way === 'download' && draft.kind !== 'tenant';
  const word = draft.place === 'source' ? (draft.source ?? '') : t('restore.word');
  const isReady = now !== null && isSettled && plan.data !== undefined && plan.data.obstacles.length === 0;
  return (
    <div className="panel panel-body">
      <div className="steps">
        <Stack gap="xl">
          <Step number={1} title={t('restore.what')}>
            <WhatFields {...{ backup, draft, change }} />
          </Step>
          <Step number={2} title={t('restore.where')}>
            <WhereFields
              {...{ draft, change }}
              canDownload={download !== null}
              problem={fieldProblem(start.error ?? plan.error, 'to')}
            />
          </Step>
        </Stack>
        <Stack gap="xl">
          <Step number={3} title={t('restore.plan')}>
            {isDownload ? (
              <DownloadPlan item={itemOf(draft) ?? null} />
            ) : (
              <>
                <PlanOfRestore {...{ backup, draft, plan }} isAsked={now !== null} />
                {draft.kind === 'tenant' && now && <TenantPreview wanted={now} />}
              </>
            )}
          </Step>
          <Step number={4} title={t('restore.confirm')}>
            {isDownload ? (
              <DownloadNow address={download} />
            ) : (
              <TypedConfirm
                key={word}
                word={now === null ? '' : word}
                action={t('restore.start')}
                onConfirm={() => now && isReady && start.mutate(now)}
                isPending={start.isPending}
                error={start.error}
                isDangerous={plan.data?.replaces ?? false}
                isBlocked={!isReady}
              />
            )}
          </Step>
        </Stack>
      </div>
    </div>
  );
}

/** Begins the restore, and shows its run. */
function useStart() {
  const navigate = useNavigate();
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (wanted: RestoreWanted) =>
      call<{ job_id: string }>('/api/v1/restores', {
        method: 'POST',
        body: { ...wanted, confirm_restore: true },
      }),
    async onSuccess({ job_id }) {
      void refresh('jobs', 'restores');
      await navigate({ to: '/runs/$id', params: { id: job_id } });
    },
  });
}

function DownloadPlan({ item }: { readonly item: string | null }) {
  const t = useTexts();
  return (
    <Text size="sm">
      {item === null ? t('restore.bundlePlan') : t('restore.downloadPlan', { what: item })}
    </Text>
  );
}

function DownloadNow({ address }: { readonly address: string | null }) {
  const t = useTexts();
  const download = useDownload();
  return (
    <Stack gap="sm">
      <ProblemNote error={download.error} />
      <div>
        <Button
          disabled={address === null}
          loading={download.isPending}
          onClick={() => address && download.mutate(address)}
        >
          {t('restore.download')}
        </Button>
      </div>
    </Stack>
  );
}
