import { Button, Menu } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { call } from '../api/client.ts';
import { useDocuments, useRefresh } from '../api/queries.ts';
import type { RunAnswer } from '../api/types.ts';
import { useTexts } from '../texts/texts.ts';
import { useMay } from './may.ts';
import { ProblemNote } from './problem-note.tsx';

/** Starts a plan and shows the run. */
export function useBackUp() {
  const navigate = useNavigate();
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (plan: string) =>
      call<RunAnswer>(`/api/v1/plans/${encodeURIComponent(plan)}/run`, { method: 'POST', body: {} }),
    async onSuccess({ job_id }) {
      void refresh('jobs', 'triggers');
      await navigate({ to: '/runs/$id', params: { id: job_id } });
    },
  });
}

/** One plan begins at once, of several one is chosen. */
export function BackUpNow() {
  const t = useTexts();
  const plans = useDocuments('plans').data?.items ?? [];
  const start = useBackUp();
  if (!useMay()('backups:trigger') || plans.length === 0) return null;
  if (plans.length === 1) {
    return (
      <>
        <Button loading={start.isPending} onClick={() => start.mutate(plans[0]!.name)}>
          {t('action.backUpNow')}
        </Button>
        <ProblemNote error={start.error} />
      </>
    );
  }
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button loading={start.isPending}>{t('action.backUpNow')}</Button>
        </Menu.Target>
        <Menu.Dropdown>
          {plans.map(({ name }) => (
            <Menu.Item key={name} onClick={() => start.mutate(name)}>
              {name}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <ProblemNote error={start.error} />
    </>
  );
}
