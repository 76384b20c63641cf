import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { call } from '../api/client.ts';
import type { DrillAnswer } from '../api/drills.ts';
import { useRefresh } from '../api/queries.ts';

/** Of the newest backup of a plan, or of one backup. */
type Asked = { readonly plan: string } | { readonly backup_id: string };

/** Begins a drill, and shows its run. */
export function useAskDrill() {
  const navigate = useNavigate();
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (asked: Asked) => call<DrillAnswer>('/api/v1/drills', { method: 'POST', body: asked }),
    async onSuccess({ job_id }) {
      void refresh('jobs', 'drills');
      await navigate({ to: '/runs/$id', params: { id: job_id } });
    },
  });
}
